CREATE TRIGGER hold_no_delete BEFORE DELETE ON hold
BEGIN SELECT RAISE(ABORT, 'a hold is never deleted'); END;
CREATE TRIGGER hold_no_replace BEFORE INSERT ON hold WHEN EXISTS (SELECT 1 FROM hold WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'a hold is never deleted'); END;
CREATE TRIGGER hold_capture_no_update BEFORE UPDATE ON hold_capture
BEGIN SELECT RAISE(ABORT, 'hold_capture is append-only'); END;
CREATE TRIGGER hold_capture_no_delete BEFORE DELETE ON hold_capture
BEGIN SELECT RAISE(ABORT, 'hold_capture is append-only'); END;
CREATE TRIGGER hold_capture_no_replace BEFORE INSERT ON hold_capture
WHEN EXISTS (SELECT 1 FROM hold_capture WHERE transfer_id = NEW.transfer_id)
BEGIN SELECT RAISE(ABORT, 'hold_capture is append-only'); END;

CREATE TRIGGER hold_begins_whole BEFORE INSERT ON hold
WHEN NEW.status <> 'authorized' OR NEW.captured <> 0 OR NEW.commission_captured <> 0 OR NEW.version <> 1
    OR NOT EXISTS (SELECT 1 FROM wallet WHERE id = NEW.wallet_id AND ledger_account_id = NEW.ledger_account_id)
BEGIN SELECT RAISE(ABORT, 'a hold begins whole, on its own wallet'); END;
CREATE TRIGGER hold_goes_forward BEFORE UPDATE ON hold
WHEN OLD.status <> 'authorized' OR NEW.captured < OLD.captured OR NEW.commission_captured < OLD.commission_captured
    OR NEW.version <> OLD.version + 1
    OR NEW.id <> OLD.id OR NEW.wallet_id <> OLD.wallet_id OR NEW.ledger_account_id <> OLD.ledger_account_id
    OR NEW.supplier_id <> OLD.supplier_id OR NEW.reference <> OLD.reference OR NEW.amount <> OLD.amount
    OR NEW.commission <> OLD.commission OR NEW.commission_basis_points <> OLD.commission_basis_points
    OR NEW.commission_fixed <> OLD.commission_fixed OR NEW.commission_least <> OLD.commission_least
    OR NEW.commission_most IS NOT OLD.commission_most OR NEW.at <> OLD.at OR NEW.expires_at <> OLD.expires_at
    OR OLD.captured <> (SELECT COALESCE(sum(amount), 0) FROM hold_capture WHERE hold_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'a hold only goes down and forward'); END;

CREATE TRIGGER hold_opened_counts AFTER INSERT ON hold
BEGIN UPDATE ledger_account SET held = held + NEW.held WHERE id = NEW.ledger_account_id; END;
CREATE TRIGGER hold_counts AFTER UPDATE ON hold WHEN NEW.held <> OLD.held
BEGIN UPDATE ledger_account SET held = held + NEW.held - OLD.held WHERE id = NEW.ledger_account_id; END;
CREATE TRIGGER ledger_account_held_begins BEFORE INSERT ON ledger_account WHEN NEW.held <> 0
BEGIN SELECT RAISE(ABORT, 'an account begins with nothing held'); END;
CREATE TRIGGER ledger_account_held_agrees BEFORE UPDATE ON ledger_account
WHEN NEW.held <> OLD.held AND NEW.held <>
    (SELECT COALESCE(sum(held), 0) FROM hold WHERE ledger_account_id = NEW.id AND status = 'authorized')
BEGIN SELECT RAISE(ABORT, 'what is held of an account changes by its holds only'); END;

-- A part is noted with a movement that took exactly it out of the wallet, and all parts are what the hold says.
CREATE TRIGGER hold_capture_agrees BEFORE INSERT ON hold_capture
WHEN NOT EXISTS (
    SELECT 1 FROM hold h WHERE h.id = NEW.hold_id
      AND h.captured = NEW.amount + (SELECT COALESCE(sum(c.amount), 0) FROM hold_capture c WHERE c.hold_id = h.id)
      AND NEW.amount + NEW.commission = (
          SELECT -sum(e.amount) FROM ledger_entry e
          WHERE e.transfer_id = NEW.transfer_id AND e.account_id = h.ledger_account_id)
)
BEGIN SELECT RAISE(ABORT, 'the part does not agree with its hold and its movement'); END;
