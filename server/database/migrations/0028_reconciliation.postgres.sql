CREATE FUNCTION difference_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> 'open' OR NEW.status <> 'settled' THEN
        RAISE EXCEPTION 'a difference is settled once' USING ERRCODE = 'restrict_violation';
    ELSIF (NEW.id, NEW.run_id, NEW.kind, NEW.line, NEW.fault, NEW.external_id, NEW.their_amount, NEW.their_at,
           NEW.their_state, NEW.payment_id, NEW.our_amount, NEW.our_status)
          IS DISTINCT FROM
          (OLD.id, OLD.run_id, OLD.kind, OLD.line, OLD.fault, OLD.external_id, OLD.their_amount, OLD.their_at,
           OLD.their_state, OLD.payment_id, OLD.our_amount, OLD.our_status) THEN
        RAISE EXCEPTION 'a difference stays as it was found' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER difference_keeps BEFORE UPDATE ON reconciliation_difference FOR EACH ROW EXECUTE FUNCTION difference_keeps();
CREATE TRIGGER difference_no_delete BEFORE DELETE ON reconciliation_difference FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER difference_no_truncate BEFORE TRUNCATE ON reconciliation_difference EXECUTE FUNCTION refuse_change();
CREATE TRIGGER reconciliation_no_delete BEFORE DELETE ON reconciliation FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER reconciliation_no_truncate BEFORE TRUNCATE ON reconciliation EXECUTE FUNCTION refuse_change();
