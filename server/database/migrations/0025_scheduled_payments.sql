-- What a wallet's holder has ordered to be paid or sent later, once or again and again. `next_number` counts its
-- occurrences from 0; `due_at` is when that one is due, null when none will come.
CREATE TABLE scheduled_payment (
    id {identity},
    wallet_id BIGINT NOT NULL REFERENCES wallet (id),
    recipient TEXT,
    supplier_id BIGINT REFERENCES supplier (id),
    reference TEXT,
    amount BIGINT NOT NULL CHECK (amount > 0),
    repeat TEXT NOT NULL,
    starts_at BIGINT NOT NULL,
    until TEXT,
    status TEXT NOT NULL DEFAULT 'active',
    next_number BIGINT NOT NULL DEFAULT 0,
    due_at BIGINT,
    refusals BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    CONSTRAINT scheduled_payment_repeat CHECK (repeat IN ('once', 'daily', 'weekly', 'monthly')),
    CONSTRAINT scheduled_payment_status CHECK (status IN ('active', 'completed', 'failed', 'suspended', 'cancelled')),
    CONSTRAINT scheduled_payment_due CHECK ((status = 'active') = (due_at IS NOT NULL)),
    CONSTRAINT scheduled_payment_ended CHECK ((status = 'active') = (ended_at IS NULL)),
    CONSTRAINT scheduled_payment_target CHECK (
        (recipient IS NOT NULL AND supplier_id IS NULL AND reference IS NULL)
        OR (recipient IS NULL AND supplier_id IS NOT NULL AND reference IS NOT NULL)
    )
) {strict};
CREATE INDEX scheduled_payment_due_at ON scheduled_payment (due_at, id) WHERE status = 'active';
CREATE INDEX scheduled_payment_wallet ON scheduled_payment (wallet_id, created_at, id);

-- What has come of each occurrence: one row, never another.
CREATE TABLE scheduled_result (
    payment_id BIGINT NOT NULL REFERENCES scheduled_payment (id),
    number BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    at BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    transfer_id BIGINT REFERENCES ledger_transfer (id),
    problem TEXT,
    rule TEXT,
    PRIMARY KEY (payment_id, number),
    CONSTRAINT scheduled_result_outcome CHECK (outcome IN ('carried_out', 'refused', 'missed')),
    CONSTRAINT scheduled_result_transfer CHECK ((outcome = 'carried_out') = (transfer_id IS NOT NULL)),
    CONSTRAINT scheduled_result_problem CHECK ((outcome = 'refused') = (problem IS NOT NULL))
) {strict};
