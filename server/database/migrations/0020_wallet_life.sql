-- A wallet's life (W-4.6): why it is closed, what blocks it, who took which step, who its holder is by a document.
ALTER TABLE wallet ADD COLUMN closed_at BIGINT;
ALTER TABLE wallet ADD COLUMN closed_because TEXT CHECK (closed_because IN ('given_up', 'dormant', 'unclaimed'));
-- Until when the rest of a wallet that was given up stays frozen; NULL when there is none (W-4.6.2).
ALTER TABLE wallet ADD COLUMN rest_until BIGINT;
-- When to look again whether it lies idle (W-4.6.1d): moved on by that look alone, nothing is written when money moves.
-- NULL: three years of 365 days after it was opened, for the first time.
ALTER TABLE wallet ADD COLUMN idle_check_at BIGINT;
CREATE INDEX wallet_idle_check ON wallet ((COALESCE(idle_check_at, opened_at + 94608000000000))) WHERE status <> 'closed';
CREATE INDEX wallet_rest ON wallet (rest_until) WHERE rest_until IS NOT NULL;

-- Why a wallet is blocked: causes may overlap, and lifting one lifts no other.
CREATE TABLE wallet_block (
    id {identity},
    wallet_id BIGINT NOT NULL REFERENCES wallet (id),
    cause TEXT NOT NULL CHECK (cause IN ('pin_forgotten', 'number_lost', 'suspicion')),
    since BIGINT NOT NULL,
    until BIGINT,
    lifted_at BIGINT
) {strict};
CREATE UNIQUE INDEX wallet_block_open ON wallet_block (wallet_id, cause) WHERE lifted_at IS NULL;
CREATE INDEX wallet_block_until ON wallet_block (until) WHERE lifted_at IS NULL;
CREATE INDEX wallet_block_wallet ON wallet_block (wallet_id);

CREATE TABLE wallet_event (
    id {identity},
    wallet_id BIGINT NOT NULL REFERENCES wallet (id),
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    step TEXT NOT NULL,
    note TEXT NOT NULL DEFAULT ''
) {strict};
CREATE INDEX wallet_event_wallet ON wallet_event (wallet_id, at, id);

-- What an original document said (W-4.2.1): staff entered it, admins alone read it whole.
CREATE TABLE identification (
    id {identity},
    wallet_id BIGINT NOT NULL UNIQUE REFERENCES wallet (id),
    document_kind TEXT NOT NULL CHECK (document_kind IN ('passport', 'id_card')),
    document_number TEXT NOT NULL,
    last_name TEXT NOT NULL,
    first_name TEXT NOT NULL,
    patronymic TEXT NOT NULL,
    birth_date TEXT NOT NULL,
    pinfl TEXT NOT NULL,
    staff_id BIGINT NOT NULL REFERENCES staff (id),
    at BIGINT NOT NULL
) {strict};

-- A holder asks to be paid out (W-5.4.2); for the rest of a wallet that was given up, staff write it down.
CREATE TABLE redemption (
    id {identity},
    wallet_id BIGINT NOT NULL REFERENCES wallet (id),
    amount BIGINT NOT NULL CHECK (amount > 0),
    destination TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('requested', 'paid', 'rejected', 'withdrawn')),
    asked_by TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    decided_by TEXT,
    decided_at BIGINT,
    reason TEXT NOT NULL DEFAULT '',
    transfer_id BIGINT UNIQUE REFERENCES ledger_transfer (id),
    CONSTRAINT redemption_decided CHECK ((status = 'requested') = (decided_at IS NULL)),
    CONSTRAINT redemption_paid CHECK ((status = 'paid') = (transfer_id IS NOT NULL)),
    CONSTRAINT redemption_four_eyes CHECK (status <> 'paid' OR (decided_by IS NOT NULL AND decided_by <> asked_by))
) {strict};
CREATE UNIQUE INDEX redemption_one_open ON redemption (wallet_id) WHERE status = 'requested';
CREATE INDEX redemption_requested ON redemption (asked_at, id) WHERE status = 'requested';
CREATE INDEX redemption_wallet ON redemption (wallet_id);

-- Birth dates that were tried when a PIN is made anew (W-4.6.6): counted apart from PINs.
ALTER TABLE subscriber ADD COLUMN birth_wrong_tries BIGINT NOT NULL DEFAULT 0;
ALTER TABLE subscriber ADD COLUMN birth_locked_until BIGINT;

-- What was blocked or closed before causes were written down.
INSERT INTO wallet_block (wallet_id, cause, since) SELECT id, 'suspicion', opened_at FROM wallet WHERE status = 'blocked';
UPDATE wallet SET closed_because = 'given_up', closed_at = opened_at WHERE status = 'closed';
