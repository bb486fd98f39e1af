CREATE TRIGGER payment_begins_pending BEFORE INSERT ON payment
WHEN NEW.status <> 'pending'
BEGIN SELECT RAISE(ABORT, 'a payment begins pending'); END;
CREATE TRIGGER payment_no_replace BEFORE INSERT ON payment
WHEN EXISTS (SELECT 1 FROM payment WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'a payment is never replaced'); END;
CREATE TRIGGER payment_goes_forward BEFORE UPDATE ON payment
WHEN NEW.status <> OLD.status
  AND OLD.status || ' ' || NEW.status NOT IN ('pending captured', 'pending cancelled', 'captured refunded')
BEGIN SELECT RAISE(ABORT, 'a payment does not go this way'); END;
CREATE TRIGGER payment_keeps BEFORE UPDATE ON payment
WHEN NEW.id <> OLD.id OR NEW.provider <> OLD.provider OR NEW.external_id <> OLD.external_id
  OR NEW.account_id <> OLD.account_id OR NEW.wallet_id IS NOT OLD.wallet_id OR NEW.amount <> OLD.amount
  OR NEW.commission <> OLD.commission OR NEW.named <> OLD.named OR NEW.provider_at IS NOT OLD.provider_at OR NEW.created_at <> OLD.created_at
  OR NEW.expires_at IS NOT OLD.expires_at
  OR (OLD.transfer_id IS NOT NULL AND NEW.transfer_id IS NOT OLD.transfer_id)
  OR (OLD.captured_at IS NOT NULL AND NEW.captured_at IS NOT OLD.captured_at)
  OR (OLD.cancelled_at IS NOT NULL AND NEW.cancelled_at IS NOT OLD.cancelled_at)
  OR (OLD.reversal_id IS NOT NULL AND NEW.reversal_id IS NOT OLD.reversal_id)
BEGIN SELECT RAISE(ABORT, 'a payment stays as it was made'); END;
CREATE TRIGGER payment_no_delete BEFORE DELETE ON payment
BEGIN SELECT RAISE(ABORT, 'a payment is never deleted'); END;
