-- Tariffs, the price list in editions, digital products.
CREATE TABLE tariff (
    id {identity},
    code TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '{}',
    monthly_fee BIGINT NOT NULL CHECK (monthly_fee >= 0),
    archived BOOLEAN NOT NULL,
    foreigners_only BOOLEAN NOT NULL,
    position BIGINT NOT NULL
) {strict};

CREATE TABLE tariff_allowance (
    id {identity},
    tariff_id BIGINT NOT NULL REFERENCES tariff (id),
    kind TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    unit TEXT NOT NULL,
    UNIQUE (tariff_id, kind)
) {strict};

CREATE TABLE price_list (
    id {identity},
    edition TEXT NOT NULL UNIQUE,
    effective_from TEXT NOT NULL,
    order_no TEXT NOT NULL,
    order_date TEXT NOT NULL,
    hash TEXT NOT NULL,
    imported_at BIGINT NOT NULL
) {strict};
CREATE INDEX price_list_effective ON price_list (effective_from);

CREATE TABLE price_zone (
    id {identity},
    code TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL
) {strict};

CREATE TABLE price_line (
    id {identity},
    price_list_id BIGINT NOT NULL REFERENCES price_list (id),
    tariff_code TEXT NOT NULL,
    zone_id BIGINT NOT NULL REFERENCES price_zone (id),
    zone_name TEXT NOT NULL,
    unit TEXT NOT NULL,
    price BIGINT NOT NULL CHECK (price >= 0),
    position BIGINT NOT NULL,
    UNIQUE (price_list_id, tariff_code, zone_id, unit)
) {strict};

-- kind: country (value ISO 3166-1 alpha-2), continent (two letters), prefix (dialling digits, with the network's name).
CREATE TABLE price_destination (
    id {identity},
    line_id BIGINT NOT NULL REFERENCES price_line (id),
    kind TEXT NOT NULL CHECK (kind IN ('country', 'continent', 'prefix')),
    value TEXT NOT NULL,
    network TEXT NOT NULL DEFAULT '',
    UNIQUE (line_id, kind, value)
) {strict};

CREATE TABLE partner (
    id {identity},
    code TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    webhook_url TEXT,
    webhook_version BIGINT NOT NULL DEFAULT 1,
    disabled_at BIGINT,
    created_at BIGINT NOT NULL
) {strict};

CREATE TABLE api_key (
    id {identity},
    partner_id BIGINT NOT NULL REFERENCES partner (id),
    prefix TEXT NOT NULL,
    fingerprint TEXT NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
) {strict};
CREATE INDEX api_key_partner ON api_key (partner_id);

CREATE TABLE product (
    id {identity},
    code TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '{}',
    partner_id BIGINT REFERENCES partner (id),
    on_sale BOOLEAN NOT NULL,
    zero_rated BOOLEAN NOT NULL,
    old_price BIGINT,
    position BIGINT NOT NULL
) {strict};

CREATE TABLE product_price_step (
    id {identity},
    product_id BIGINT NOT NULL REFERENCES product (id),
    from_month BIGINT NOT NULL CHECK (from_month >= 1),
    to_month BIGINT CHECK (to_month >= from_month),
    price BIGINT NOT NULL CHECK (price >= 0),
    UNIQUE (product_id, from_month)
) {strict};

CREATE TABLE product_subscription (
    id {identity},
    product_id BIGINT NOT NULL REFERENCES product (id),
    subscriber_id BIGINT NOT NULL REFERENCES subscriber (id),
    account_id BIGINT NOT NULL REFERENCES personal_account (id),
    phone TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'active', 'suspended', 'expired', 'cancelled')),
    activated_on TEXT NOT NULL,
    ends_on TEXT NOT NULL,
    months BIGINT NOT NULL CHECK (months >= 1),
    auto_renew BOOLEAN NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,
    created_at BIGINT NOT NULL,
    cancelled_at BIGINT
) {strict};
CREATE UNIQUE INDEX product_subscription_one_live ON product_subscription (product_id, phone)
    WHERE status IN ('pending', 'active', 'suspended');
CREATE INDEX product_subscription_subscriber ON product_subscription (subscriber_id, created_at, id);
CREATE INDEX product_subscription_ends ON product_subscription (ends_on) WHERE status IN ('active', 'suspended');

CREATE TABLE product_order (
    id {identity},
    public_id TEXT NOT NULL UNIQUE,
    product_id BIGINT NOT NULL REFERENCES product (id),
    subscriber_id BIGINT NOT NULL REFERENCES subscriber (id),
    account_id BIGINT NOT NULL REFERENCES personal_account (id),
    phone TEXT NOT NULL,
    months BIGINT NOT NULL CHECK (months >= 1),
    total BIGINT NOT NULL CHECK (total >= 0),
    kind TEXT NOT NULL CHECK (kind IN ('first', 'extension')),
    source TEXT NOT NULL CHECK (source IN ('cabinet', 'web', 'staff')),
    status TEXT NOT NULL CHECK (status IN ('acknowledged', 'in_progress', 'completed', 'cancelled', 'failed')),
    challenge_id BIGINT REFERENCES otp_challenge (id),
    subscription_id BIGINT REFERENCES product_subscription (id),
    transfer_id BIGINT REFERENCES ledger_transfer (id),
    acceptance_id BIGINT REFERENCES offer_acceptance (id),
    created_at BIGINT NOT NULL,
    completed_at BIGINT
) {strict};
CREATE INDEX product_order_subscriber ON product_order (subscriber_id, created_at, id);
CREATE INDEX product_order_open ON product_order (created_at) WHERE status = 'acknowledged';
