-- Holds: a part of a wallet's balance that is reserved for a purchase which a partner confirms later. `held` is what is
-- reserved now, the most commission included; while a hold is open it is what has not been captured, afterwards nothing.
-- The commission's terms are those that the holder agreed to.
CREATE TABLE hold (
    id {identity},
    wallet_id BIGINT NOT NULL REFERENCES wallet (id),
    ledger_account_id BIGINT NOT NULL REFERENCES ledger_account (id),
    supplier_id BIGINT NOT NULL REFERENCES supplier (id),
    reference TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    commission BIGINT NOT NULL CHECK (commission >= 0),
    commission_basis_points BIGINT NOT NULL,
    commission_fixed BIGINT NOT NULL,
    commission_least BIGINT NOT NULL,
    commission_most BIGINT,
    captured BIGINT NOT NULL DEFAULT 0,
    commission_captured BIGINT NOT NULL DEFAULT 0,
    held BIGINT NOT NULL,
    status TEXT NOT NULL DEFAULT 'authorized',
    at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    closed_at BIGINT,
    version BIGINT NOT NULL DEFAULT 1,
    CONSTRAINT hold_status CHECK (status IN ('authorized', 'captured', 'cancelled', 'expired')),
    CONSTRAINT hold_times CHECK (expires_at > at AND (status = 'authorized') = (closed_at IS NULL)),
    CONSTRAINT hold_captured CHECK (captured >= 0 AND captured <= amount AND (status <> 'captured' OR captured > 0)),
    CONSTRAINT hold_commission CHECK (commission_captured >= 0 AND commission_captured <= commission),
    CONSTRAINT hold_held CHECK (
        held = CASE WHEN status = 'authorized' THEN amount + commission - captured - commission_captured ELSE 0 END
    )
) {strict};
CREATE INDEX hold_wallet ON hold (wallet_id, at, id);
CREATE INDEX hold_open ON hold (ledger_account_id) WHERE status = 'authorized';
CREATE INDEX hold_due ON hold (expires_at) WHERE status = 'authorized';

-- Each part that was taken, with the movement that took it.
CREATE TABLE hold_capture (
    transfer_id BIGINT PRIMARY KEY REFERENCES ledger_transfer (id),
    hold_id BIGINT NOT NULL REFERENCES hold (id),
    amount BIGINT NOT NULL CHECK (amount > 0),
    commission BIGINT NOT NULL CHECK (commission >= 0)
) {strict};
CREATE INDEX hold_capture_hold ON hold_capture (hold_id);

