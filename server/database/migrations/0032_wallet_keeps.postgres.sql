-- What was said at opening stays (W-4.1.1): a PIN is made anew, and a lost number restored, by that birth date.
CREATE FUNCTION wallet_keeps_opening() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a wallet keeps what it was opened with' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER wallet_keeps_opening BEFORE UPDATE OF id, phone, birth_date, opened_at, acceptance_id ON wallet FOR EACH ROW
    WHEN ((NEW.id, NEW.phone, NEW.birth_date, NEW.opened_at, NEW.acceptance_id)
          IS DISTINCT FROM (OLD.id, OLD.phone, OLD.birth_date, OLD.opened_at, OLD.acceptance_id))
    EXECUTE FUNCTION wallet_keeps_opening();
