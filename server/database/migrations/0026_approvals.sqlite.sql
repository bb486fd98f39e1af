CREATE TRIGGER approval_begins_pending BEFORE INSERT ON approval
WHEN NEW.status <> 'pending' OR NEW.decided_by IS NOT NULL OR NEW.decision_note <> ''
BEGIN SELECT RAISE(ABORT, 'a proposal begins pending'); END;
CREATE TRIGGER approval_no_replace BEFORE INSERT ON approval
WHEN EXISTS (SELECT 1 FROM approval WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'a proposal is never replaced'); END;
CREATE TRIGGER approval_decided_once BEFORE UPDATE ON approval
WHEN OLD.status <> 'pending' OR NEW.status = 'pending'
BEGIN SELECT RAISE(ABORT, 'a proposal is decided once'); END;
CREATE TRIGGER approval_keeps_what_was_proposed BEFORE UPDATE ON approval
WHEN NEW.id <> OLD.id OR NEW.kind <> OLD.kind OR NEW.subject <> OLD.subject OR NEW.payload <> OLD.payload
  OR NEW.reason <> OLD.reason OR NEW.proposed_by <> OLD.proposed_by OR NEW.proposed_at <> OLD.proposed_at
  OR NEW.lapses_at <> OLD.lapses_at
BEGIN SELECT RAISE(ABORT, 'a proposal stays as it was made'); END;
CREATE TRIGGER approval_no_delete BEFORE DELETE ON approval
BEGIN SELECT RAISE(ABORT, 'a proposal is never deleted'); END;
