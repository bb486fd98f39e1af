-- What was to be put right by a proposal that came to nothing is open again.
DROP TRIGGER difference_settled_once;
CREATE TRIGGER difference_settled_once BEFORE UPDATE ON reconciliation_difference
WHEN NOT (OLD.status = 'open' AND NEW.status = 'settled') AND NOT (
    OLD.status = 'settled' AND NEW.status = 'open' AND EXISTS (
        SELECT 1 FROM approval WHERE id = OLD.proposal_id AND status IN ('rejected', 'withdrawn', 'expired'))
)
BEGIN SELECT RAISE(ABORT, 'a difference is settled once'); END;
