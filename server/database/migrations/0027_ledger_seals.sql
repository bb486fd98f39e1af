-- Each seal covers the transfers after the one before it, up to the id `upto`: see domain/ledger_seal.py.
CREATE TABLE ledger_seal (
    id BIGINT NOT NULL PRIMARY KEY,
    upto BIGINT NOT NULL,
    transfers BIGINT NOT NULL CHECK (transfers > 0),
    totals TEXT NOT NULL,
    digest TEXT NOT NULL,
    at BIGINT NOT NULL
) {strict};
