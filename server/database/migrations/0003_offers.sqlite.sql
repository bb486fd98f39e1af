CREATE TRIGGER offer_edition_no_update BEFORE UPDATE ON offer_edition
BEGIN SELECT RAISE(ABORT, 'offer_edition is append-only'); END;
CREATE TRIGGER offer_edition_no_delete BEFORE DELETE ON offer_edition
BEGIN SELECT RAISE(ABORT, 'offer_edition is append-only'); END;
CREATE TRIGGER offer_edition_no_replace BEFORE INSERT ON offer_edition
WHEN EXISTS (SELECT 1 FROM offer_edition WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'offer_edition is append-only'); END;
CREATE TRIGGER offer_text_no_update BEFORE UPDATE ON offer_text
BEGIN SELECT RAISE(ABORT, 'offer_text is append-only'); END;
CREATE TRIGGER offer_text_no_delete BEFORE DELETE ON offer_text
BEGIN SELECT RAISE(ABORT, 'offer_text is append-only'); END;
CREATE TRIGGER offer_text_no_replace BEFORE INSERT ON offer_text
WHEN EXISTS (SELECT 1 FROM offer_text WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'offer_text is append-only'); END;
CREATE TRIGGER offer_clause_no_update BEFORE UPDATE ON offer_clause
BEGIN SELECT RAISE(ABORT, 'offer_clause is append-only'); END;
CREATE TRIGGER offer_clause_no_delete BEFORE DELETE ON offer_clause
BEGIN SELECT RAISE(ABORT, 'offer_clause is append-only'); END;
CREATE TRIGGER offer_clause_no_replace BEFORE INSERT ON offer_clause
WHEN EXISTS (SELECT 1 FROM offer_clause WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'offer_clause is append-only'); END;
CREATE TRIGGER offer_acceptance_no_update BEFORE UPDATE ON offer_acceptance
BEGIN SELECT RAISE(ABORT, 'offer_acceptance is append-only'); END;
CREATE TRIGGER offer_acceptance_no_delete BEFORE DELETE ON offer_acceptance
BEGIN SELECT RAISE(ABORT, 'offer_acceptance is append-only'); END;
CREATE TRIGGER offer_acceptance_no_replace BEFORE INSERT ON offer_acceptance
WHEN EXISTS (SELECT 1 FROM offer_acceptance WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'offer_acceptance is append-only'); END;
