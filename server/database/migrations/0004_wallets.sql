-- Electronic wallets, and the legal unit that their limits are stated in.
CREATE TABLE bhm (
    effective_from TEXT PRIMARY KEY,
    amount BIGINT NOT NULL CHECK (amount > 0)
) {strict};
INSERT INTO bhm (effective_from, amount) VALUES
    ('2019-09-01', 22300000), ('2021-02-01', 24500000), ('2021-09-01', 27000000), ('2022-06-01', 30000000),
    ('2023-05-01', 33000000), ('2023-12-01', 34000000), ('2024-10-01', 37500000), ('2025-08-01', 41200000);

CREATE TABLE wallet (
    id {identity},
    number TEXT NOT NULL UNIQUE,
    subscriber_id BIGINT NOT NULL REFERENCES subscriber (id),
    phone TEXT NOT NULL,
    ledger_account_id BIGINT NOT NULL UNIQUE REFERENCES ledger_account (id),
    level TEXT NOT NULL CHECK (level IN ('light', 'premium')),
    status TEXT NOT NULL CHECK (status IN ('active', 'blocked', 'closed')),
    birth_date TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    first_top_up_at BIGINT,
    acceptance_id BIGINT NOT NULL REFERENCES offer_acceptance (id)
) {strict};
CREATE UNIQUE INDEX wallet_one_live_per_phone ON wallet (phone) WHERE status <> 'closed';
CREATE INDEX wallet_subscriber ON wallet (subscriber_id);
