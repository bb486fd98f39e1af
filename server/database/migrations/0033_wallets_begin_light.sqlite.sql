CREATE TRIGGER wallet_begins_light BEFORE INSERT ON wallet
WHEN NEW.level <> 'light'
BEGIN SELECT RAISE(ABORT, 'a wallet begins Light: Premium is given by a document'); END;
