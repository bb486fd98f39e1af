-- Money that comes in from outside, by whichever way (W-4.3.1): one row for each payment of a payment system or agent.
CREATE TABLE payment (
    id {identity},
    provider TEXT NOT NULL,
    external_id TEXT NOT NULL,
    account_id BIGINT NOT NULL REFERENCES ledger_account (id),
    wallet_id BIGINT REFERENCES wallet (id),
    amount BIGINT NOT NULL CHECK (amount > 0),
    commission BIGINT NOT NULL DEFAULT 0 CHECK (commission >= 0),
    status TEXT NOT NULL CHECK (status IN ('pending', 'captured', 'cancelled', 'refunded')),
    named TEXT NOT NULL,
    provider_at BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    captured_at BIGINT,
    cancelled_at BIGINT,
    reason TEXT,
    transfer_id BIGINT UNIQUE REFERENCES ledger_transfer (id),
    reversal_id BIGINT UNIQUE REFERENCES ledger_transfer (id),
    fiscal TEXT,
    CONSTRAINT payment_key UNIQUE (provider, external_id),
    CONSTRAINT payment_captured CHECK (
        (status IN ('captured', 'refunded')) = (transfer_id IS NOT NULL)
        AND (transfer_id IS NOT NULL) = (captured_at IS NOT NULL)
    ),
    CONSTRAINT payment_refunded CHECK ((status = 'refunded') = (reversal_id IS NOT NULL)),
    CONSTRAINT payment_cancelled CHECK ((status IN ('cancelled', 'refunded')) = (cancelled_at IS NOT NULL))
) {strict};
CREATE INDEX payment_provider_time ON payment (provider, provider_at, id);
CREATE INDEX payment_provider_captured ON payment (provider, captured_at);
CREATE INDEX payment_account ON payment (account_id, created_at);
CREATE INDEX payment_created ON payment (created_at, id);
CREATE INDEX payment_expiring ON payment (expires_at) WHERE status = 'pending';

-- How much a partner may bring in with one payment and in one day of Tashkent; NULL is without limit.
ALTER TABLE partner ADD COLUMN top_up_most BIGINT CHECK (top_up_most > 0);
ALTER TABLE partner ADD COLUMN top_up_day_most BIGINT CHECK (top_up_day_most > 0);
