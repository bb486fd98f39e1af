CREATE TRIGGER difference_settled_once BEFORE UPDATE ON reconciliation_difference
WHEN OLD.status <> 'open' OR NEW.status <> 'settled'
BEGIN SELECT RAISE(ABORT, 'a difference is settled once'); END;
CREATE TRIGGER difference_keeps BEFORE UPDATE ON reconciliation_difference
WHEN NEW.id IS NOT OLD.id OR NEW.run_id IS NOT OLD.run_id OR NEW.kind IS NOT OLD.kind OR NEW.line IS NOT OLD.line
  OR NEW.fault IS NOT OLD.fault OR NEW.external_id IS NOT OLD.external_id
  OR NEW.their_amount IS NOT OLD.their_amount OR NEW.their_at IS NOT OLD.their_at
  OR NEW.their_state IS NOT OLD.their_state OR NEW.payment_id IS NOT OLD.payment_id
  OR NEW.our_amount IS NOT OLD.our_amount OR NEW.our_status IS NOT OLD.our_status
BEGIN SELECT RAISE(ABORT, 'a difference stays as it was found'); END;
CREATE TRIGGER difference_no_replace BEFORE INSERT ON reconciliation_difference
WHEN EXISTS (SELECT 1 FROM reconciliation_difference WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'a difference is never replaced'); END;
CREATE TRIGGER difference_no_delete BEFORE DELETE ON reconciliation_difference
BEGIN SELECT RAISE(ABORT, 'a difference is never deleted'); END;
CREATE TRIGGER reconciliation_no_replace BEFORE INSERT ON reconciliation
WHEN EXISTS (SELECT 1 FROM reconciliation WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'a reconciliation is never replaced'); END;
CREATE TRIGGER reconciliation_no_delete BEFORE DELETE ON reconciliation
BEGIN SELECT RAISE(ABORT, 'a reconciliation is never deleted'); END;
