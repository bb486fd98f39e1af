CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE ON ledger_entry FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_entry_no_truncate BEFORE TRUNCATE ON ledger_entry EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_transfer_append_only BEFORE UPDATE OR DELETE ON ledger_transfer FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_transfer_no_truncate BEFORE TRUNCATE ON ledger_transfer EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_account_no_delete BEFORE DELETE ON ledger_account FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_account_no_truncate BEFORE TRUNCATE ON ledger_account EXECUTE FUNCTION refuse_change();

CREATE FUNCTION ledger_entry_fits() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    held ledger_account;
BEGIN
    IF EXISTS (SELECT 1 FROM ledger_transfer WHERE id = NEW.transfer_id) THEN
        RAISE EXCEPTION 'transfer % is sealed', NEW.transfer_id USING ERRCODE = 'restrict_violation';
    END IF;
    -- Not FOR UPDATE: the operator's own accounts take part in all movements and must make nobody wait. Two writers of
    -- one customer's account at the same number meet at the unique key.
    SELECT * INTO held FROM ledger_account WHERE id = NEW.account_id;
    IF held.balance IS NULL THEN
        IF NEW.seq IS NOT NULL OR NEW.balance_after IS NOT NULL THEN
            RAISE EXCEPTION 'account % keeps no running balance', NEW.account_id USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF NEW.seq IS DISTINCT FROM held.seq + 1 OR NEW.balance_after IS DISTINCT FROM held.balance + NEW.amount
          OR NEW.hash IS NULL THEN
        RAISE EXCEPTION 'entry does not follow the last one of account %', NEW.account_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_entry_fits BEFORE INSERT ON ledger_entry FOR EACH ROW EXECUTE FUNCTION ledger_entry_fits();

CREATE FUNCTION ledger_entry_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ledger_account SET balance = NEW.balance_after, seq = NEW.seq, head = NEW.hash
    WHERE id = NEW.account_id AND balance IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_entry_counts AFTER INSERT ON ledger_entry FOR EACH ROW WHEN (NEW.seq IS NOT NULL)
    EXECUTE FUNCTION ledger_entry_counts();

CREATE FUNCTION ledger_account_agrees() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF COALESCE(NEW.balance, 0) <> 0 OR NEW.seq <> 0 OR NEW.head <> '' THEN
            RAISE EXCEPTION 'an account begins empty' USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF NEW.id <> OLD.id OR NEW.kind <> OLD.kind THEN
        RAISE EXCEPTION 'an account keeps its id and kind' USING ERRCODE = 'restrict_violation';
    ELSIF (NEW.balance, NEW.seq, NEW.head) IS DISTINCT FROM (OLD.balance, OLD.seq, OLD.head) AND NOT EXISTS (
        SELECT 1 FROM ledger_entry
        WHERE account_id = NEW.id AND seq = NEW.seq AND balance_after = NEW.balance AND hash = NEW.head
          AND NEW.seq = OLD.seq + 1
    ) THEN
        RAISE EXCEPTION 'the balance of account % changes by its entries only', NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_account_agrees BEFORE INSERT OR UPDATE ON ledger_account FOR EACH ROW EXECUTE FUNCTION ledger_account_agrees();

CREATE FUNCTION ledger_transfer_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entries BIGINT;
    total NUMERIC;
BEGIN
    SELECT count(*), COALESCE(sum(amount), 0) INTO entries, total FROM ledger_entry WHERE transfer_id = NEW.id;
    IF entries < 2 OR total <> 0 THEN
        RAISE EXCEPTION 'the entries of transfer % do not sum to zero', NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_transfer_balances BEFORE INSERT ON ledger_transfer FOR EACH ROW EXECUTE FUNCTION ledger_transfer_balances();
