CREATE FUNCTION wallet_begins_light() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a wallet begins Light: Premium is given by a document' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER wallet_begins_light BEFORE INSERT ON wallet FOR EACH ROW WHEN (NEW.level <> 'light')
    EXECUTE FUNCTION wallet_begins_light();
