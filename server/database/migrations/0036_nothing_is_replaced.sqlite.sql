-- INSERT OR REPLACE and UPDATE OR REPLACE take away a row that has the same key, without any trigger on its deletion.
CREATE TRIGGER audit_event_no_replace BEFORE INSERT ON audit_event
WHEN EXISTS (SELECT 1 FROM audit_event WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'audit_event is append-only'); END;
CREATE TRIGGER ledger_seal_no_replace BEFORE INSERT ON ledger_seal
WHEN EXISTS (SELECT 1 FROM ledger_seal WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'ledger_seal is append-only'); END;
CREATE TRIGGER offer_edition_key_no_replace BEFORE INSERT ON offer_edition
WHEN EXISTS (SELECT 1 FROM offer_edition WHERE offer_id = NEW.offer_id AND edition = NEW.edition)
BEGIN SELECT RAISE(ABORT, 'offer_edition is append-only'); END;
CREATE TRIGGER offer_text_key_no_replace BEFORE INSERT ON offer_text
WHEN EXISTS (SELECT 1 FROM offer_text WHERE edition_id = NEW.edition_id AND language = NEW.language)
BEGIN SELECT RAISE(ABORT, 'offer_text is append-only'); END;
CREATE TRIGGER offer_clause_key_no_replace BEFORE INSERT ON offer_clause
WHEN EXISTS (SELECT 1 FROM offer_clause WHERE text_id = NEW.text_id AND number = NEW.number)
BEGIN SELECT RAISE(ABORT, 'offer_clause is append-only'); END;
CREATE TRIGGER fiscal_receipt_number_no_replace BEFORE INSERT ON fiscal_receipt
WHEN EXISTS (SELECT 1 FROM fiscal_receipt WHERE terminal = NEW.terminal AND receipt_number = NEW.receipt_number)
BEGIN SELECT RAISE(ABORT, 'fiscal_receipt is append-only'); END;
-- A payment that is told again is left out without a word, as ON CONFLICT DO NOTHING has it.
CREATE TRIGGER payment_key_no_replace BEFORE INSERT ON payment
WHEN EXISTS (SELECT 1 FROM payment WHERE provider = NEW.provider AND external_id = NEW.external_id)
BEGIN SELECT RAISE(IGNORE); END;
CREATE TRIGGER payment_movement_no_replace BEFORE UPDATE OF transfer_id, reversal_id ON payment
WHEN EXISTS (
    SELECT 1 FROM payment WHERE id <> OLD.id AND (transfer_id = NEW.transfer_id OR reversal_id = NEW.reversal_id)
)
BEGIN SELECT RAISE(ABORT, 'a payment is never replaced'); END;
CREATE TRIGGER difference_proposal_no_replace BEFORE UPDATE OF proposal_id ON reconciliation_difference
WHEN EXISTS (SELECT 1 FROM reconciliation_difference WHERE proposal_id = NEW.proposal_id AND id <> OLD.id)
BEGIN SELECT RAISE(ABORT, 'a difference is never replaced'); END;
