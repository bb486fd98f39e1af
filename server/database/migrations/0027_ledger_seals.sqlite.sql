CREATE TRIGGER ledger_seal_no_update BEFORE UPDATE ON ledger_seal
BEGIN SELECT RAISE(ABORT, 'ledger_seal is append-only'); END;
CREATE TRIGGER ledger_seal_no_delete BEFORE DELETE ON ledger_seal
BEGIN SELECT RAISE(ABORT, 'ledger_seal is append-only'); END;
CREATE TRIGGER ledger_seal_follows BEFORE INSERT ON ledger_seal
WHEN NEW.id IS NOT (SELECT COALESCE(MAX(id), 0) + 1 FROM ledger_seal)
  OR NEW.upto <= (SELECT COALESCE(MAX(upto), 0) FROM ledger_seal)
BEGIN SELECT RAISE(ABORT, 'a seal follows the last one'); END;
