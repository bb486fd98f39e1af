-- What was to be put right by a proposal that came to nothing is open again.
CREATE OR REPLACE FUNCTION difference_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT (OLD.status = 'open' AND NEW.status = 'settled') AND NOT (
        OLD.status = 'settled' AND NEW.status = 'open' AND EXISTS (
            SELECT 1 FROM approval WHERE id = OLD.proposal_id AND status IN ('rejected', 'withdrawn', 'expired'))
    ) THEN
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
