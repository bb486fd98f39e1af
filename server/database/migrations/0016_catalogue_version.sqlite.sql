INSERT INTO catalogue_version (id, version) VALUES (1, hex(randomblob(16)));

CREATE TRIGGER tariff_insert_raises_version AFTER INSERT ON tariff
BEGIN UPDATE catalogue_version SET version = hex(randomblob(16)); END;
CREATE TRIGGER tariff_update_raises_version AFTER UPDATE ON tariff
BEGIN UPDATE catalogue_version SET version = hex(randomblob(16)); END;
CREATE TRIGGER tariff_delete_raises_version AFTER DELETE ON tariff
BEGIN UPDATE catalogue_version SET version = hex(randomblob(16)); END;
CREATE TRIGGER tariff_allowance_insert_raises_version AFTER INSERT ON tariff_allowance
BEGIN UPDATE catalogue_version SET version = hex(randomblob(16)); END;
CREATE TRIGGER tariff_allowance_update_raises_version AFTER UPDATE ON tariff_allowance
BEGIN UPDATE catalogue_version SET version = hex(randomblob(16)); END;
CREATE TRIGGER tariff_allowance_delete_raises_version AFTER DELETE ON tariff_allowance
BEGIN UPDATE catalogue_version SET version = hex(randomblob(16)); END;
CREATE TRIGGER price_list_insert_raises_version AFTER INSERT ON price_list
BEGIN UPDATE catalogue_version SET version = hex(randomblob(16)); END;
CREATE TRIGGER price_list_update_raises_version AFTER UPDATE ON price_list
BEGIN UPDATE catalogue_version SET version = hex(randomblob(16)); END;
CREATE TRIGGER price_list_delete_raises_version AFTER DELETE ON price_list
BEGIN UPDATE catalogue_version SET version = hex(randomblob(16)); END;
CREATE TRIGGER price_zone_insert_raises_version AFTER INSERT ON price_zone
BEGIN UPDATE catalogue_version SET version = hex(randomblob(16)); END;
CREATE TRIGGER price_zone_update_raises_version AFTER UPDATE ON price_zone
BEGIN UPDATE catalogue_version SET version = hex(randomblob(16)); END;
CREATE TRIGGER price_zone_delete_raises_version AFTER DELETE ON price_zone
BEGIN UPDATE catalogue_version SET version = hex(randomblob(16)); END;
CREATE TRIGGER price_line_insert_raises_version AFTER INSERT ON price_line
BEGIN UPDATE catalogue_version SET version = hex(randomblob(16)); END;
CREATE TRIGGER price_line_update_raises_version AFTER UPDATE ON price_line
BEGIN UPDATE catalogue_version SET version = hex(randomblob(16)); END;
CREATE TRIGGER price_line_delete_raises_version AFTER DELETE ON price_line
BEGIN UPDATE catalogue_version SET version = hex(randomblob(16)); END;
CREATE TRIGGER product_insert_raises_version AFTER INSERT ON product
BEGIN UPDATE catalogue_version SET version = hex(randomblob(16)); END;
CREATE TRIGGER product_update_raises_version AFTER UPDATE ON product
BEGIN UPDATE catalogue_version SET version = hex(randomblob(16)); END;
CREATE TRIGGER product_delete_raises_version AFTER DELETE ON product
BEGIN UPDATE catalogue_version SET version = hex(randomblob(16)); END;
CREATE TRIGGER product_price_step_insert_raises_version AFTER INSERT ON product_price_step
BEGIN UPDATE catalogue_version SET version = hex(randomblob(16)); END;
CREATE TRIGGER product_price_step_update_raises_version AFTER UPDATE ON product_price_step
BEGIN UPDATE catalogue_version SET version = hex(randomblob(16)); END;
CREATE TRIGGER product_price_step_delete_raises_version AFTER DELETE ON product_price_step
BEGIN UPDATE catalogue_version SET version = hex(randomblob(16)); END;
