CREATE TRIGGER fiscal_receipt_no_update BEFORE UPDATE ON fiscal_receipt
BEGIN SELECT RAISE(ABORT, 'fiscal_receipt is append-only'); END;
CREATE TRIGGER fiscal_receipt_no_delete BEFORE DELETE ON fiscal_receipt
BEGIN SELECT RAISE(ABORT, 'fiscal_receipt is append-only'); END;
CREATE TRIGGER fiscal_receipt_no_replace BEFORE INSERT ON fiscal_receipt
WHEN EXISTS (SELECT 1 FROM fiscal_receipt WHERE transfer_id = NEW.transfer_id)
BEGIN SELECT RAISE(ABORT, 'fiscal_receipt is append-only'); END;
