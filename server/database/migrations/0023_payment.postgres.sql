CREATE FUNCTION payment_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'pending' THEN
            RAISE EXCEPTION 'a payment begins pending' USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF NEW.status <> OLD.status
          AND (OLD.status, NEW.status) NOT IN (('pending', 'captured'), ('pending', 'cancelled'), ('captured', 'refunded')) THEN
        RAISE EXCEPTION 'a payment does not go from % to %', OLD.status, NEW.status USING ERRCODE = 'restrict_violation';
    ELSIF (NEW.id, NEW.provider, NEW.external_id, NEW.account_id, NEW.wallet_id, NEW.amount, NEW.commission, NEW.named,
           NEW.provider_at, NEW.created_at, NEW.expires_at)
          IS DISTINCT FROM
          (OLD.id, OLD.provider, OLD.external_id, OLD.account_id, OLD.wallet_id, OLD.amount, OLD.commission, OLD.named,
           OLD.provider_at, OLD.created_at, OLD.expires_at)
          OR (OLD.transfer_id IS NOT NULL AND NEW.transfer_id IS DISTINCT FROM OLD.transfer_id)
          OR (OLD.captured_at IS NOT NULL AND NEW.captured_at IS DISTINCT FROM OLD.captured_at)
          OR (OLD.cancelled_at IS NOT NULL AND NEW.cancelled_at IS DISTINCT FROM OLD.cancelled_at)
          OR (OLD.reversal_id IS NOT NULL AND NEW.reversal_id IS DISTINCT FROM OLD.reversal_id) THEN
        RAISE EXCEPTION 'a payment stays as it was made' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payment_keeps BEFORE INSERT OR UPDATE ON payment FOR EACH ROW EXECUTE FUNCTION payment_keeps();
CREATE TRIGGER payment_no_delete BEFORE DELETE ON payment FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payment_no_truncate BEFORE TRUNCATE ON payment EXECUTE FUNCTION refuse_change();
