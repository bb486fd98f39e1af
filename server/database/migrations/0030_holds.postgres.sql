CREATE TRIGGER hold_no_delete BEFORE DELETE ON hold FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER hold_no_truncate BEFORE TRUNCATE ON hold EXECUTE FUNCTION refuse_change();
CREATE TRIGGER hold_capture_append_only BEFORE UPDATE OR DELETE ON hold_capture FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER hold_capture_no_truncate BEFORE TRUNCATE ON hold_capture EXECUTE FUNCTION refuse_change();

CREATE FUNCTION hold_goes_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'authorized' OR NEW.captured <> 0 OR NEW.commission_captured <> 0 OR NEW.version <> 1
           OR NOT EXISTS (SELECT 1 FROM wallet WHERE id = NEW.wallet_id AND ledger_account_id = NEW.ledger_account_id) THEN
            RAISE EXCEPTION 'a hold begins whole, on its own wallet' USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF OLD.status <> 'authorized' OR NEW.captured < OLD.captured OR NEW.commission_captured < OLD.commission_captured
          OR NEW.version <> OLD.version + 1
          OR (NEW.id, NEW.wallet_id, NEW.ledger_account_id, NEW.supplier_id, NEW.reference, NEW.amount, NEW.commission,
              NEW.commission_basis_points, NEW.commission_fixed, NEW.commission_least, NEW.commission_most, NEW.at,
              NEW.expires_at)
             IS DISTINCT FROM
             (OLD.id, OLD.wallet_id, OLD.ledger_account_id, OLD.supplier_id, OLD.reference, OLD.amount, OLD.commission,
              OLD.commission_basis_points, OLD.commission_fixed, OLD.commission_least, OLD.commission_most, OLD.at,
              OLD.expires_at)
          OR OLD.captured <> (SELECT COALESCE(sum(amount), 0) FROM hold_capture WHERE hold_id = OLD.id) THEN
        RAISE EXCEPTION 'hold % only goes down and forward', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER hold_goes_forward BEFORE INSERT OR UPDATE ON hold FOR EACH ROW EXECUTE FUNCTION hold_goes_forward();

CREATE FUNCTION hold_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ledger_account SET held = held + NEW.held - CASE WHEN TG_OP = 'UPDATE' THEN OLD.held ELSE 0 END
    WHERE id = NEW.ledger_account_id;
    RETURN NULL;
END $$;
CREATE TRIGGER hold_counts AFTER INSERT OR UPDATE ON hold FOR EACH ROW EXECUTE FUNCTION hold_counts();

CREATE FUNCTION ledger_account_held_agrees() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.held <> (SELECT COALESCE(sum(held), 0) FROM hold WHERE ledger_account_id = NEW.id AND status = 'authorized') THEN
        RAISE EXCEPTION 'what is held of account % changes by its holds only', NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_account_held_begins BEFORE INSERT ON ledger_account FOR EACH ROW WHEN (NEW.held <> 0)
    EXECUTE FUNCTION ledger_account_held_agrees();
CREATE TRIGGER ledger_account_held_agrees BEFORE UPDATE ON ledger_account FOR EACH ROW WHEN (NEW.held <> OLD.held)
    EXECUTE FUNCTION ledger_account_held_agrees();

-- A part is noted with a movement that took exactly it out of the wallet, and all parts are what the hold says.
CREATE FUNCTION hold_capture_agrees() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    taken NUMERIC;
    noted NUMERIC;
    whole hold;
BEGIN
    SELECT * INTO whole FROM hold WHERE id = NEW.hold_id;
    SELECT -sum(amount) INTO taken FROM ledger_entry
    WHERE transfer_id = NEW.transfer_id AND account_id = whole.ledger_account_id;
    SELECT COALESCE(sum(amount), 0) INTO noted FROM hold_capture WHERE hold_id = NEW.hold_id;
    IF taken IS DISTINCT FROM NEW.amount + NEW.commission OR noted + NEW.amount <> whole.captured THEN
        RAISE EXCEPTION 'the part does not agree with hold % and its movement', NEW.hold_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER hold_capture_agrees BEFORE INSERT ON hold_capture FOR EACH ROW EXECUTE FUNCTION hold_capture_agrees();
