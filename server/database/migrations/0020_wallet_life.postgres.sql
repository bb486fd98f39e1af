-- The status follows the blocks: nobody sets it to blocked or active by hand.
CREATE FUNCTION wallet_follows_blocks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE wallet SET status = CASE
        WHEN EXISTS (SELECT 1 FROM wallet_block b WHERE b.wallet_id = NEW.wallet_id AND b.lifted_at IS NULL)
        THEN 'blocked' ELSE 'active' END
    WHERE id = NEW.wallet_id AND status <> 'closed';
    RETURN NULL;
END $$;
CREATE TRIGGER wallet_follows_blocks AFTER INSERT OR UPDATE ON wallet_block
    FOR EACH ROW EXECUTE FUNCTION wallet_follows_blocks();

CREATE FUNCTION wallet_block_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.lifted_at IS NOT NULL OR NEW.lifted_at IS NULL OR (NEW.id, NEW.wallet_id, NEW.cause, NEW.since, NEW.until)
       IS DISTINCT FROM (OLD.id, OLD.wallet_id, OLD.cause, OLD.since, OLD.until) THEN
        RAISE EXCEPTION 'a block is lifted once and stays as it was' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER wallet_block_keeps BEFORE UPDATE ON wallet_block FOR EACH ROW EXECUTE FUNCTION wallet_block_keeps();
CREATE TRIGGER wallet_block_no_delete BEFORE DELETE ON wallet_block FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER wallet_event_append_only BEFORE UPDATE OR DELETE ON wallet_event FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER wallet_event_no_truncate BEFORE TRUNCATE ON wallet_event EXECUTE FUNCTION refuse_change();
CREATE TRIGGER wallet_block_no_truncate BEFORE TRUNCATE ON wallet_block EXECUTE FUNCTION refuse_change();
CREATE TRIGGER identification_no_truncate BEFORE TRUNCATE ON identification EXECUTE FUNCTION refuse_change();
CREATE TRIGGER identification_append_only BEFORE UPDATE OR DELETE ON identification FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE FUNCTION wallet_block_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.lifted_at IS NOT NULL OR EXISTS (SELECT 1 FROM wallet WHERE id = NEW.wallet_id AND status = 'closed') THEN
        RAISE EXCEPTION 'a block begins open, on a wallet that is not closed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER wallet_block_begins BEFORE INSERT ON wallet_block FOR EACH ROW EXECUTE FUNCTION wallet_block_begins();

CREATE FUNCTION wallet_goes_its_way() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_blocked BOOLEAN := EXISTS (SELECT 1 FROM wallet_block b WHERE b.wallet_id = NEW.id AND b.lifted_at IS NULL);
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'active' THEN
            RAISE EXCEPTION 'a wallet begins active' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.status = 'closed' AND (
        (NEW.status, NEW.closed_because, NEW.closed_at, NEW.level) IS DISTINCT FROM
        (OLD.status, OLD.closed_because, OLD.closed_at, OLD.level)
        OR (NEW.rest_until IS NOT NULL AND NEW.rest_until IS DISTINCT FROM OLD.rest_until)
    ) THEN
        RAISE EXCEPTION 'a closed wallet stays closed' USING ERRCODE = 'restrict_violation';
    ELSIF (NEW.status = 'closed') <> (NEW.closed_because IS NOT NULL) OR (NEW.status = 'closed') <> (NEW.closed_at IS NOT NULL)
        OR (NEW.status <> 'closed' AND NEW.rest_until IS NOT NULL)
        OR (NEW.status <> 'closed' AND (NEW.status = 'blocked') <> is_blocked) THEN
        RAISE EXCEPTION 'a wallet is blocked by its blocks and closed for a reason' USING ERRCODE = 'restrict_violation';
    ELSIF NEW.level <> OLD.level AND (
        NEW.level <> 'premium' OR NOT EXISTS (SELECT 1 FROM identification i WHERE i.wallet_id = NEW.id)
    ) THEN
        RAISE EXCEPTION 'premium is given once, by a document' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER wallet_begins_active BEFORE INSERT ON wallet FOR EACH ROW WHEN (NEW.status <> 'active')
    EXECUTE FUNCTION wallet_goes_its_way();
CREATE TRIGGER wallet_goes_its_way BEFORE UPDATE OF status, level, closed_because, closed_at, rest_until ON wallet
    FOR EACH ROW EXECUTE FUNCTION wallet_goes_its_way();
CREATE TRIGGER wallet_no_truncate BEFORE TRUNCATE ON wallet EXECUTE FUNCTION refuse_change();
CREATE TRIGGER wallet_no_delete BEFORE DELETE ON wallet FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE FUNCTION redemption_keeps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> 'requested' OR NEW.status = 'requested'
       OR (NEW.id, NEW.wallet_id, NEW.amount, NEW.destination, NEW.asked_by, NEW.asked_at)
          IS DISTINCT FROM (OLD.id, OLD.wallet_id, OLD.amount, OLD.destination, OLD.asked_by, OLD.asked_at) THEN
        RAISE EXCEPTION 'a redemption is decided once and stays as it was asked for' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER redemption_keeps BEFORE UPDATE ON redemption FOR EACH ROW EXECUTE FUNCTION redemption_keeps();
CREATE TRIGGER redemption_no_delete BEFORE DELETE ON redemption FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER redemption_no_truncate BEFORE TRUNCATE ON redemption EXECUTE FUNCTION refuse_change();
