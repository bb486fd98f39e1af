CREATE FUNCTION ledger_account_keeps_code() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an account keeps its code' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_account_keeps_code BEFORE UPDATE OF code ON ledger_account FOR EACH ROW
    WHEN (NEW.code IS DISTINCT FROM OLD.code) EXECUTE FUNCTION ledger_account_keeps_code();
