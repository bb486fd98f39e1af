-- A transfer from one wallet to another, whole: who, whether, and the writing of it, in one call and one transaction.
-- Nothing is written before all is decided, so a refusal has nothing to take back. The key is claimed as the first thing
-- that is written; whoever lost it to the same call on another wallet looks again and finds what that call has made.
CREATE FUNCTION wallet_transfer(
    p_subscriber BIGINT, p_session BIGINT, p_scope TEXT, p_key TEXT, p_digest TEXT, p_number TEXT, p_phone TEXT,
    p_amount BIGINT, p_now BIGINT, p_day TEXT, p_window BIGINT
) RETURNS record LANGUAGE plpgsql AS $$
DECLARE
    p_payer BIGINT;
    p_payee BIGINT;
    answer record;
BEGIN
    LOOP
        {parties} INTO p_payer, p_payee;
        -- In the order of the ledger accounts' ids, as all who lock them do: two transfers in opposite directions must
        -- not wait for each other. What the next statement reads under these locks are facts.
        PERFORM 1 FROM wallet w JOIN ledger_account a ON a.id = w.ledger_account_id
        WHERE w.id IN (p_payer, p_payee) ORDER BY a.id FOR NO KEY UPDATE;
        {verdict} INTO answer;
        IF answer.verdict <> 'POSTED' THEN
            RETURN answer;
        END IF;
        answer.transfer := nextval(pg_get_serial_sequence('ledger_transfer', 'id'));
        INSERT INTO idempotency (scope, key, digest, subject, at)
        VALUES (p_scope, p_key, p_digest, concat_ws(':', answer.transfer, answer.payer), p_now)
        ON CONFLICT (scope, key) DO NOTHING;
        EXIT WHEN FOUND;
    END LOOP;
    PERFORM ledger_write(
        answer.transfer, 'transfer', p_now, answer.memo, ARRAY[answer.ledger_account_id, answer.payee_account], ARRAY['transfer_out', 'transfer_in'],
        ARRAY[-p_amount, p_amount]
    );
    IF answer.payee_first_top_up_at IS NULL THEN
        UPDATE wallet SET first_top_up_at = p_now WHERE id = answer.payee;
    END IF;
    answer.balance := answer.balance - p_amount;
    RETURN answer;
END $$;
