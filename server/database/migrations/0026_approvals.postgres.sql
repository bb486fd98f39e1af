CREATE FUNCTION approval_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'pending' OR NEW.decided_by IS NOT NULL OR NEW.decision_note <> '' THEN
            RAISE EXCEPTION 'a proposal begins pending' USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF OLD.status <> 'pending' OR NEW.status = 'pending' THEN
        RAISE EXCEPTION 'a proposal is decided once' USING ERRCODE = 'restrict_violation';
    ELSIF (NEW.id, NEW.kind, NEW.subject, NEW.payload, NEW.reason, NEW.proposed_by, NEW.proposed_at, NEW.lapses_at)
          IS DISTINCT FROM
          (OLD.id, OLD.kind, OLD.subject, OLD.payload, OLD.reason, OLD.proposed_by, OLD.proposed_at, OLD.lapses_at) THEN
        RAISE EXCEPTION 'a proposal stays as it was made' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER approval_keeps BEFORE INSERT OR UPDATE ON approval FOR EACH ROW EXECUTE FUNCTION approval_keeps();
CREATE TRIGGER approval_no_delete BEFORE DELETE ON approval FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER approval_no_truncate BEFORE TRUNCATE ON approval EXECUTE FUNCTION refuse_change();
