CREATE FUNCTION ledger_seal_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM ledger_seal WHERE id = NEW.id) THEN
        RETURN NEW;  -- two have sealed at once: the primary key lets one in
    END IF;
    IF NEW.id IS DISTINCT FROM (SELECT COALESCE(MAX(id), 0) + 1 FROM ledger_seal)
       OR NEW.upto <= (SELECT COALESCE(MAX(upto), 0) FROM ledger_seal) THEN
        RAISE EXCEPTION 'a seal follows the last one' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_seal_follows BEFORE INSERT ON ledger_seal FOR EACH ROW EXECUTE FUNCTION ledger_seal_follows();
CREATE TRIGGER ledger_seal_append_only BEFORE UPDATE OR DELETE ON ledger_seal FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_seal_no_truncate BEFORE TRUNCATE ON ledger_seal EXECUTE FUNCTION refuse_change();
