CREATE TRIGGER wallet_keeps_holder BEFORE UPDATE ON wallet
WHEN NEW.subscriber_id <> OLD.subscriber_id OR NEW.ledger_account_id <> OLD.ledger_account_id
BEGIN SELECT RAISE(ABORT, 'a wallet keeps its holder and its account'); END;
