-- Writes one movement: its entries in their order, each linked to the one before on its account, then the transfer,
-- which seals them. The caller has taken the transfer's id and locked the accounts.
-- What is hashed is said by entry_hash and transfer_hash in domain/ledger.py, which `kabinet ledger check` recomputes.
CREATE FUNCTION ledger_write(
    p_transfer BIGINT, p_kind TEXT, p_at BIGINT, p_memo TEXT, p_accounts BIGINT[], p_kinds TEXT[], p_amounts BIGINT[],
    p_corrects BIGINT DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    p_lines TEXT := concat_ws('|', p_transfer, p_kind, p_at, p_memo, p_corrects);
BEGIN
    FOR n IN 1 .. cardinality(p_accounts) LOOP
        INSERT INTO ledger_entry (transfer_id, account_id, kind, amount, at, seq, balance_after, hash)
        SELECT p_transfer, a.id, p_kinds[n], p_amounts[n], p_at,
            CASE WHEN a.balance IS NOT NULL THEN a.seq + 1 END,
            a.balance + p_amounts[n],
            CASE WHEN a.balance IS NOT NULL THEN encode(sha256(convert_to(concat_ws('|',
                a.head, p_transfer, a.id, a.seq + 1, p_kinds[n], p_amounts[n], a.balance + p_amounts[n], p_at
            ), 'UTF8')), 'hex') END
        FROM ledger_account a WHERE a.id = p_accounts[n];
        p_lines := p_lines || chr(10) || concat_ws('|', p_accounts[n], p_kinds[n], p_amounts[n]);
    END LOOP;
    INSERT INTO ledger_transfer (id, kind, at, memo, corrects_id, hash)
    VALUES (p_transfer, p_kind, p_at, p_memo, p_corrects, encode(sha256(convert_to(p_lines, 'UTF8')), 'hex'));
END $$;
