CREATE TRIGGER ledger_entry_no_update BEFORE UPDATE ON ledger_entry
BEGIN SELECT RAISE(ABORT, 'ledger_entry is append-only'); END;
CREATE TRIGGER ledger_entry_no_delete BEFORE DELETE ON ledger_entry
BEGIN SELECT RAISE(ABORT, 'ledger_entry is append-only'); END;
CREATE TRIGGER ledger_transfer_no_update BEFORE UPDATE ON ledger_transfer
BEGIN SELECT RAISE(ABORT, 'ledger_transfer is append-only'); END;
CREATE TRIGGER ledger_transfer_no_delete BEFORE DELETE ON ledger_transfer
BEGIN SELECT RAISE(ABORT, 'ledger_transfer is append-only'); END;
CREATE TRIGGER ledger_account_no_delete BEFORE DELETE ON ledger_account
BEGIN SELECT RAISE(ABORT, 'ledger_account is append-only'); END;

-- INSERT OR REPLACE would delete without asking the triggers above: an id that exists is refused first.
CREATE TRIGGER ledger_entry_no_replace BEFORE INSERT ON ledger_entry
WHEN EXISTS (SELECT 1 FROM ledger_entry WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'ledger_entry is append-only'); END;
CREATE TRIGGER ledger_transfer_no_replace BEFORE INSERT ON ledger_transfer
WHEN EXISTS (SELECT 1 FROM ledger_transfer WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'ledger_transfer is append-only'); END;
CREATE TRIGGER ledger_account_no_replace BEFORE INSERT ON ledger_account
WHEN EXISTS (SELECT 1 FROM ledger_account WHERE id = NEW.id OR code = NEW.code)
BEGIN SELECT RAISE(ABORT, 'ledger_account is append-only'); END;

CREATE TRIGGER ledger_entry_not_sealed BEFORE INSERT ON ledger_entry
WHEN EXISTS (SELECT 1 FROM ledger_transfer WHERE id = NEW.transfer_id)
BEGIN SELECT RAISE(ABORT, 'the transfer is sealed'); END;
CREATE TRIGGER ledger_entry_fits BEFORE INSERT ON ledger_entry
WHEN NOT EXISTS (
    SELECT 1 FROM ledger_account
    WHERE id = NEW.account_id AND CASE WHEN balance IS NULL
        THEN NEW.seq IS NULL AND NEW.balance_after IS NULL
        ELSE NEW.seq IS seq + 1 AND NEW.balance_after IS balance + NEW.amount AND NEW.hash IS NOT NULL END
)
BEGIN SELECT RAISE(ABORT, 'the entry does not follow the last one of its account'); END;
CREATE TRIGGER ledger_entry_counts AFTER INSERT ON ledger_entry WHEN NEW.seq IS NOT NULL
BEGIN
    UPDATE ledger_account SET balance = NEW.balance_after, seq = NEW.seq, head = NEW.hash WHERE id = NEW.account_id;
END;

CREATE TRIGGER ledger_account_begins_empty BEFORE INSERT ON ledger_account
WHEN COALESCE(NEW.balance, 0) <> 0 OR NEW.seq <> 0 OR NEW.head <> ''
BEGIN SELECT RAISE(ABORT, 'an account begins empty'); END;
CREATE TRIGGER ledger_account_keeps_kind BEFORE UPDATE ON ledger_account
WHEN NEW.id <> OLD.id OR NEW.kind <> OLD.kind
BEGIN SELECT RAISE(ABORT, 'an account keeps its id and kind'); END;
CREATE TRIGGER ledger_account_agrees BEFORE UPDATE ON ledger_account
WHEN (NEW.balance IS NOT OLD.balance OR NEW.seq <> OLD.seq OR NEW.head <> OLD.head) AND NOT EXISTS (
    SELECT 1 FROM ledger_entry
    WHERE account_id = NEW.id AND seq = NEW.seq AND balance_after = NEW.balance AND hash = NEW.head
      AND NEW.seq = OLD.seq + 1
)
BEGIN SELECT RAISE(ABORT, 'the balance of an account changes by its entries only'); END;

CREATE TRIGGER ledger_transfer_balances BEFORE INSERT ON ledger_transfer
WHEN (SELECT count(*) < 2 OR COALESCE(sum(amount), 0) <> 0 FROM ledger_entry WHERE transfer_id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the entries of the transfer do not sum to zero'); END;
