-- Who has an agreement, their numbers and telecom accounts; how they and the staff sign in.
CREATE TABLE subscriber (
    id {identity},
    kind TEXT NOT NULL CHECK (kind IN ('private', 'organisation')),
    last_name TEXT NOT NULL DEFAULT '',
    first_name TEXT NOT NULL DEFAULT '',
    patronymic TEXT NOT NULL DEFAULT '',
    organisation_name TEXT NOT NULL DEFAULT '',
    search_name TEXT NOT NULL,
    birth_date TEXT,
    status TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'restricted', 'ended')),
    language TEXT NOT NULL DEFAULT 'uz',
    pin_hash TEXT,
    pin_wrong_tries BIGINT NOT NULL DEFAULT 0,
    pin_locked_until BIGINT,
    created_at BIGINT NOT NULL
) {strict};
CREATE INDEX subscriber_search_name ON subscriber (search_name);

CREATE TABLE personal_account (
    id {identity},
    number TEXT NOT NULL UNIQUE,
    subscriber_id BIGINT NOT NULL REFERENCES subscriber (id),
    ledger_account_id BIGINT NOT NULL UNIQUE REFERENCES ledger_account (id),
    billing TEXT NOT NULL CHECK (billing IN ('prepaid', 'postpaid')),
    opened_at BIGINT NOT NULL
) {strict};
CREATE INDEX personal_account_subscriber ON personal_account (subscriber_id, opened_at, id);

CREATE TABLE subscriber_number (
    id {identity},
    phone TEXT NOT NULL UNIQUE,
    subscriber_id BIGINT NOT NULL REFERENCES subscriber (id),
    account_id BIGINT NOT NULL REFERENCES personal_account (id),
    tariff_id BIGINT,
    status TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'ended')),
    activated_at BIGINT NOT NULL
) {strict};
CREATE INDEX subscriber_number_subscriber ON subscriber_number (subscriber_id);
CREATE INDEX subscriber_number_account ON subscriber_number (account_id);

-- A one-time code is not stored: it is computed from the challenge's id and nonce with the installation's secret.
CREATE TABLE otp_challenge (
    id {identity},
    public_id TEXT NOT NULL UNIQUE,
    phone TEXT NOT NULL,
    purpose TEXT NOT NULL,
    nonce TEXT NOT NULL,
    language TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    sent_at BIGINT NOT NULL,
    sends BIGINT NOT NULL DEFAULT 1,
    wrong_tries BIGINT NOT NULL DEFAULT 0,
    used_at BIGINT
) {strict};
CREATE INDEX otp_challenge_phone ON otp_challenge (phone, created_at);

CREATE TABLE session (
    id {identity},
    subscriber_id BIGINT NOT NULL REFERENCES subscriber (id),
    phone TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    ended_why TEXT,
    wallet_unlocked_until BIGINT
) {strict};
CREATE INDEX session_subscriber ON session (subscriber_id, created_at);

CREATE TABLE refresh_token (
    id {identity},
    session_id BIGINT NOT NULL REFERENCES session (id),
    fingerprint TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
) {strict};
CREATE INDEX refresh_token_session ON refresh_token (session_id);

CREATE TABLE staff (
    id {identity},
    username TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'agent', 'admin')),
    password_hash TEXT NOT NULL,
    totp_nonce TEXT NOT NULL,
    totp_confirmed_at BIGINT,
    totp_last_step BIGINT NOT NULL DEFAULT 0,
    wrong_tries BIGINT NOT NULL DEFAULT 0,
    locked_until BIGINT,
    language TEXT NOT NULL DEFAULT 'uz',
    disabled_at BIGINT,
    created_at BIGINT NOT NULL
) {strict};

CREATE TABLE staff_session (
    id {identity},
    staff_id BIGINT NOT NULL REFERENCES staff (id),
    fingerprint TEXT NOT NULL UNIQUE,
    totp_passed BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT
) {strict};
CREATE INDEX staff_session_staff ON staff_session (staff_id);

CREATE TABLE quota (
    bucket TEXT NOT NULL,
    opened BIGINT NOT NULL,
    used BIGINT NOT NULL,
    closes BIGINT NOT NULL,
    PRIMARY KEY (bucket, opened)
) {strict};
CREATE INDEX quota_closes ON quota (closes);

CREATE TABLE idempotency (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    digest TEXT NOT NULL,
    subject TEXT,
    at BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
) {strict};

-- What must leave the process, written with what caused it and delivered after commit, in order per stream.
CREATE TABLE outbox (
    id {identity},
    topic TEXT NOT NULL,
    stream TEXT NOT NULL,
    payload TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    claimed_until BIGINT,
    done_at BIGINT,
    failed_at BIGINT,
    last_error TEXT
) {strict};
CREATE INDEX outbox_open ON outbox (due_at, id) WHERE done_at IS NULL AND failed_at IS NULL;
CREATE INDEX outbox_stream_open ON outbox (stream, id) WHERE done_at IS NULL AND failed_at IS NULL;

CREATE TABLE audit_event (
    id {identity},
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    facts TEXT NOT NULL
) {strict};
CREATE INDEX audit_event_subject ON audit_event (subject, at);
