CREATE FUNCTION wallet_keeps_holder() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a wallet keeps its holder and its account' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER wallet_keeps_holder BEFORE UPDATE ON wallet FOR EACH ROW
    WHEN (NEW.subscriber_id <> OLD.subscriber_id OR NEW.ledger_account_id <> OLD.ledger_account_id)
    EXECUTE FUNCTION wallet_keeps_holder();
