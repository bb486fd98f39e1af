-- Where money of the payment systems comes from, and where it goes when a holder is paid out.
INSERT INTO ledger_account (kind, code) VALUES ('operator', 'payme'), ('operator', 'click'), ('operator', 'payout');

-- What staff switch on and off; what is not here is on.
CREATE TABLE operator_switch (
    code TEXT PRIMARY KEY,
    is_on BOOLEAN NOT NULL,
    changed_at BIGINT NOT NULL,
    changed_by TEXT NOT NULL
) {strict};
