-- The ledger: accounts, transfers, entries. Money is whole tiyin, instants are microseconds since 1970 UTC.
-- An account of a customer keeps its running balance; the operator's own have none (NULL), it is derived from entries,
-- so that no one row is what all movements wait for.
CREATE TABLE ledger_account (
    id {identity},
    kind TEXT NOT NULL,
    code TEXT UNIQUE,
    balance BIGINT,
    floor BIGINT,
    seq BIGINT NOT NULL DEFAULT 0,
    head TEXT NOT NULL DEFAULT '',
    CONSTRAINT ledger_account_kind CHECK (kind IN ('wallet', 'personal', 'operator')),
    CONSTRAINT ledger_account_operator CHECK ((kind = 'operator') = (balance IS NULL)),
    CONSTRAINT ledger_account_wallet_floor CHECK (kind <> 'wallet' OR (floor IS NOT NULL AND floor >= 0)),
    CONSTRAINT ledger_account_floor CHECK (balance IS NULL OR floor IS NULL OR balance >= floor)
) {strict};

CREATE TABLE ledger_transfer (
    id {identity},
    kind TEXT NOT NULL,
    at BIGINT NOT NULL,
    memo TEXT NOT NULL DEFAULT '{}',
    corrects_id BIGINT REFERENCES ledger_transfer (id),
    hash TEXT NOT NULL
) {strict};

-- A transfer's entries are written before it; the transfer, written last, seals them (see the triggers).
CREATE TABLE ledger_entry (
    id {identity},
    transfer_id BIGINT NOT NULL REFERENCES ledger_transfer (id) DEFERRABLE INITIALLY DEFERRED,
    account_id BIGINT NOT NULL REFERENCES ledger_account (id),
    kind TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount <> 0),
    at BIGINT NOT NULL,
    seq BIGINT,
    balance_after BIGINT,
    hash TEXT,
    CONSTRAINT ledger_entry_seq UNIQUE (account_id, seq)
) {strict};
CREATE INDEX ledger_entry_transfer ON ledger_entry (transfer_id);
CREATE INDEX ledger_entry_account_at ON ledger_entry (account_id, at);

-- The operator's own accounts: where money comes from and goes to.
INSERT INTO ledger_account (kind, code) VALUES
    ('operator', 'funding'), ('operator', 'revenue'), ('operator', 'commission'), ('operator', 'adjustment');

