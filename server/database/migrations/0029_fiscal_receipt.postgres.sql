CREATE TRIGGER fiscal_receipt_append_only BEFORE UPDATE OR DELETE ON fiscal_receipt FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER fiscal_receipt_no_truncate BEFORE TRUNCATE ON fiscal_receipt EXECUTE FUNCTION refuse_change();
