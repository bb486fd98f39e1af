-- The status follows the blocks: nobody sets it to blocked or active by hand.
CREATE TRIGGER wallet_follows_new_blocks AFTER INSERT ON wallet_block
BEGIN
    UPDATE wallet SET status = 'blocked' WHERE id = NEW.wallet_id AND status = 'active' AND NEW.lifted_at IS NULL;
END;
CREATE TRIGGER wallet_follows_lifted_blocks AFTER UPDATE ON wallet_block
BEGIN
    UPDATE wallet SET status = 'active' WHERE id = NEW.wallet_id AND status = 'blocked'
    AND NOT EXISTS (SELECT 1 FROM wallet_block b WHERE b.wallet_id = NEW.wallet_id AND b.lifted_at IS NULL);
END;
CREATE TRIGGER wallet_block_keeps BEFORE UPDATE ON wallet_block
WHEN OLD.lifted_at IS NOT NULL OR NEW.lifted_at IS NULL OR NEW.id <> OLD.id OR NEW.wallet_id <> OLD.wallet_id
  OR NEW.cause <> OLD.cause OR NEW.since <> OLD.since OR NEW.until IS NOT OLD.until
BEGIN SELECT RAISE(ABORT, 'a block is lifted once and stays as it was'); END;
CREATE TRIGGER wallet_block_no_delete BEFORE DELETE ON wallet_block
BEGIN SELECT RAISE(ABORT, 'wallet_block is append-only'); END;
CREATE TRIGGER wallet_event_no_update BEFORE UPDATE ON wallet_event
BEGIN SELECT RAISE(ABORT, 'wallet_event is append-only'); END;
CREATE TRIGGER wallet_event_no_delete BEFORE DELETE ON wallet_event
BEGIN SELECT RAISE(ABORT, 'wallet_event is append-only'); END;
CREATE TRIGGER identification_no_update BEFORE UPDATE ON identification
BEGIN SELECT RAISE(ABORT, 'identification is append-only'); END;
CREATE TRIGGER identification_no_delete BEFORE DELETE ON identification
BEGIN SELECT RAISE(ABORT, 'identification is append-only'); END;
-- INSERT OR REPLACE would delete without asking the triggers above.
CREATE TRIGGER wallet_block_no_replace BEFORE INSERT ON wallet_block
WHEN EXISTS (SELECT 1 FROM wallet_block WHERE id = NEW.id OR (wallet_id = NEW.wallet_id AND cause = NEW.cause
    AND lifted_at IS NULL AND NEW.lifted_at IS NULL))
BEGIN SELECT RAISE(ABORT, 'wallet_block is append-only'); END;
CREATE TRIGGER wallet_event_no_replace BEFORE INSERT ON wallet_event
WHEN EXISTS (SELECT 1 FROM wallet_event WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'wallet_event is append-only'); END;
CREATE TRIGGER identification_no_replace BEFORE INSERT ON identification
WHEN EXISTS (SELECT 1 FROM identification WHERE id = NEW.id OR wallet_id = NEW.wallet_id)
BEGIN SELECT RAISE(ABORT, 'identification is append-only'); END;

CREATE TRIGGER wallet_block_begins BEFORE INSERT ON wallet_block
WHEN NEW.lifted_at IS NOT NULL OR EXISTS (SELECT 1 FROM wallet WHERE id = NEW.wallet_id AND status = 'closed')
BEGIN SELECT RAISE(ABORT, 'a block begins open, on a wallet that is not closed'); END;
CREATE TRIGGER wallet_begins_active BEFORE INSERT ON wallet
WHEN NEW.status <> 'active'
BEGIN SELECT RAISE(ABORT, 'a wallet begins active'); END;
CREATE TRIGGER wallet_no_replace BEFORE INSERT ON wallet
WHEN EXISTS (SELECT 1 FROM wallet WHERE id = NEW.id OR number = NEW.number OR ledger_account_id = NEW.ledger_account_id)
BEGIN SELECT RAISE(ABORT, 'a wallet is never replaced'); END;
CREATE TRIGGER wallet_stays_closed BEFORE UPDATE ON wallet
WHEN OLD.status = 'closed' AND (
    NEW.status <> 'closed' OR NEW.closed_because IS NOT OLD.closed_because OR NEW.closed_at IS NOT OLD.closed_at
    OR NEW.level <> OLD.level OR (NEW.rest_until IS NOT NULL AND NEW.rest_until IS NOT OLD.rest_until)
)
BEGIN SELECT RAISE(ABORT, 'a closed wallet stays closed'); END;
CREATE TRIGGER wallet_goes_its_way BEFORE UPDATE OF status, closed_because, closed_at, rest_until ON wallet
WHEN (NEW.status = 'closed') <> (NEW.closed_because IS NOT NULL) OR (NEW.status = 'closed') <> (NEW.closed_at IS NOT NULL)
    OR (NEW.status <> 'closed' AND (NEW.rest_until IS NOT NULL OR (NEW.status = 'blocked') <> EXISTS (
        SELECT 1 FROM wallet_block b WHERE b.wallet_id = NEW.id AND b.lifted_at IS NULL)))
BEGIN SELECT RAISE(ABORT, 'a wallet is blocked by its blocks and closed for a reason'); END;
CREATE TRIGGER wallet_premium_by_document BEFORE UPDATE ON wallet
WHEN NEW.level <> OLD.level AND (
    NEW.level <> 'premium' OR NOT EXISTS (SELECT 1 FROM identification i WHERE i.wallet_id = NEW.id)
)
BEGIN SELECT RAISE(ABORT, 'premium is given once, by a document'); END;
CREATE TRIGGER wallet_no_delete BEFORE DELETE ON wallet
BEGIN SELECT RAISE(ABORT, 'a wallet is never deleted'); END;

CREATE TRIGGER redemption_keeps BEFORE UPDATE ON redemption
WHEN OLD.status <> 'requested' OR NEW.status = 'requested' OR NEW.id <> OLD.id OR NEW.wallet_id <> OLD.wallet_id
  OR NEW.amount <> OLD.amount OR NEW.destination <> OLD.destination OR NEW.asked_by <> OLD.asked_by
  OR NEW.asked_at <> OLD.asked_at
BEGIN SELECT RAISE(ABORT, 'a redemption is decided once and stays as it was asked for'); END;
CREATE TRIGGER redemption_no_delete BEFORE DELETE ON redemption
BEGIN SELECT RAISE(ABORT, 'a redemption is never deleted'); END;
CREATE TRIGGER redemption_no_replace BEFORE INSERT ON redemption
WHEN EXISTS (SELECT 1 FROM redemption WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'a redemption is never replaced'); END;
