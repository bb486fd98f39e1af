-- A payment to a supplier, whole: who, whether, and the writing of its two instructions, the amount and the commission,
-- in one call and one transaction. Only the payer's wallet is locked: those who pay the same supplier do not meet.
-- Otherwise as wallet_transfer.
CREATE FUNCTION wallet_pay(
    p_subscriber BIGINT, p_session BIGINT, p_scope TEXT, p_key TEXT, p_digest TEXT, p_supplier TEXT, p_reference TEXT,
    p_all_digits BIGINT, p_amount BIGINT, p_now BIGINT
) RETURNS record LANGUAGE plpgsql AS $$
DECLARE
    p_payer BIGINT;
    answer record;
    accounts BIGINT[];
    kinds TEXT[] := ARRAY['payment', 'payment'];
    amounts BIGINT[] := ARRAY[-p_amount, p_amount];
BEGIN
    LOOP
        {payer} INTO p_payer;
        PERFORM 1 FROM wallet w JOIN ledger_account a ON a.id = w.ledger_account_id
        WHERE w.id = p_payer FOR NO KEY UPDATE;
        {payment_verdict} INTO answer;
        IF answer.verdict <> 'POSTED' THEN
            RETURN answer;
        END IF;
        answer.transfer := nextval(pg_get_serial_sequence('ledger_transfer', 'id'));
        INSERT INTO idempotency (scope, key, digest, subject, at)
        VALUES (p_scope, p_key, p_digest, concat_ws(':', answer.transfer, answer.payer), p_now)
        ON CONFLICT (scope, key) DO NOTHING;
        EXIT WHEN FOUND;
    END LOOP;
    accounts := ARRAY[answer.ledger_account_id, answer.supplier_account];
    IF answer.commission > 0 THEN
        accounts := accounts || ARRAY[answer.ledger_account_id, answer.commission_account];
        kinds := kinds || ARRAY['commission', 'commission'];
        amounts := amounts || ARRAY[-answer.commission, answer.commission];
    END IF;
    PERFORM ledger_write(answer.transfer, 'payment', p_now, answer.memo, accounts, kinds, amounts);
    answer.balance := answer.balance - p_amount - answer.commission;
    RETURN answer;
END $$;
