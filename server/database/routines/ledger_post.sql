-- One movement between any accounts, in one call. The customers' accounts are locked in the order of their ids; the
-- operator's own keep no balance and are never locked. Nothing is written when an account would fall below its floor:
-- then `transfer` is NULL, and `available` and `needed` say by how much.
CREATE FUNCTION ledger_post(
    p_kind TEXT, p_at BIGINT, p_memo TEXT, p_accounts BIGINT[], p_kinds TEXT[], p_amounts BIGINT[],
    p_corrects BIGINT,
    OUT transfer BIGINT, OUT available BIGINT, OUT needed BIGINT, OUT accounts BIGINT[], OUT balances BIGINT[]
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    p_account BIGINT;
    p_needed BIGINT;
BEGIN
    PERFORM 1 FROM ledger_account a WHERE a.id = ANY (p_accounts) AND a.balance IS NOT NULL ORDER BY a.id FOR NO KEY UPDATE;
    FOR p_account, p_needed IN
        SELECT l.account, -SUM(l.amount) FROM unnest(p_accounts, p_amounts) AS l (account, amount)
        GROUP BY l.account HAVING SUM(l.amount) < 0 ORDER BY l.account
    LOOP
        {short} INTO available, needed;
        IF FOUND THEN
            RETURN;
        END IF;
    END LOOP;
    transfer := nextval(pg_get_serial_sequence('ledger_transfer', 'id'));
    PERFORM ledger_write(transfer, p_kind, p_at, p_memo, p_accounts, p_kinds, p_amounts, p_corrects);
    SELECT array_agg(a.id), array_agg(a.balance) INTO accounts, balances
    FROM ledger_account a WHERE a.id = ANY (p_accounts) AND a.balance IS NOT NULL;
END $$;
