INSERT INTO catalogue_version (id, version) VALUES (1, gen_random_uuid()::text);

-- Once a statement, however many rows it changes; and before it, so that all who change the catalogue take this row's
-- lock first and wait for one another in one order. Readers wait for nobody.
CREATE FUNCTION raise_catalogue_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE catalogue_version SET version = gen_random_uuid()::text;
    RETURN NULL;
END $$;
CREATE TRIGGER tariff_raises_version BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON tariff
    FOR EACH STATEMENT EXECUTE FUNCTION raise_catalogue_version();
CREATE TRIGGER tariff_allowance_raises_version BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON tariff_allowance
    FOR EACH STATEMENT EXECUTE FUNCTION raise_catalogue_version();
CREATE TRIGGER price_list_raises_version BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON price_list
    FOR EACH STATEMENT EXECUTE FUNCTION raise_catalogue_version();
CREATE TRIGGER price_zone_raises_version BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON price_zone
    FOR EACH STATEMENT EXECUTE FUNCTION raise_catalogue_version();
CREATE TRIGGER price_line_raises_version BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON price_line
    FOR EACH STATEMENT EXECUTE FUNCTION raise_catalogue_version();
CREATE TRIGGER product_raises_version BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON product
    FOR EACH STATEMENT EXECUTE FUNCTION raise_catalogue_version();
CREATE TRIGGER product_price_step_raises_version BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON product_price_step
    FOR EACH STATEMENT EXECUTE FUNCTION raise_catalogue_version();
