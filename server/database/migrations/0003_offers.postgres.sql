CREATE TRIGGER offer_edition_append_only BEFORE UPDATE OR DELETE ON offer_edition FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER offer_edition_no_truncate BEFORE TRUNCATE ON offer_edition EXECUTE FUNCTION refuse_change();
CREATE TRIGGER offer_text_append_only BEFORE UPDATE OR DELETE ON offer_text FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER offer_text_no_truncate BEFORE TRUNCATE ON offer_text EXECUTE FUNCTION refuse_change();
CREATE TRIGGER offer_clause_append_only BEFORE UPDATE OR DELETE ON offer_clause FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER offer_clause_no_truncate BEFORE TRUNCATE ON offer_clause EXECUTE FUNCTION refuse_change();
CREATE TRIGGER offer_acceptance_append_only BEFORE UPDATE OR DELETE ON offer_acceptance FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER offer_acceptance_no_truncate BEFORE TRUNCATE ON offer_acceptance EXECUTE FUNCTION refuse_change();
