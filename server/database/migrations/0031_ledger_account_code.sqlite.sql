CREATE TRIGGER ledger_account_keeps_code BEFORE UPDATE ON ledger_account
WHEN NEW.code IS NOT OLD.code
BEGIN SELECT RAISE(ABORT, 'an account keeps its code'); END;
