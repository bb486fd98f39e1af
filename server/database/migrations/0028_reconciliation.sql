-- A payment system's statement beside our payments: one row for each time that it was done.
CREATE TABLE reconciliation (
    id {identity},
    provider TEXT NOT NULL,
    source TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'loading' CHECK (status IN ('loading', 'matching', 'done', 'failed')),
    fault TEXT,
    detail TEXT NOT NULL DEFAULT '',
    period_from BIGINT,
    period_until BIGINT,
    size_bytes BIGINT NOT NULL CHECK (size_bytes >= 0),
    read_bytes BIGINT NOT NULL DEFAULT 0,
    lines BIGINT NOT NULL DEFAULT 0,
    unreadable BIGINT NOT NULL DEFAULT 0,
    matched BIGINT NOT NULL DEFAULT 0,
    begun_by TEXT NOT NULL,
    begun_at BIGINT NOT NULL,
    told_at BIGINT NOT NULL,
    ended_at BIGINT,
    CONSTRAINT reconciliation_fault CHECK ((status = 'failed') = (fault IS NOT NULL)),
    CONSTRAINT reconciliation_ended CHECK ((status IN ('done', 'failed')) = (ended_at IS NOT NULL)),
    CONSTRAINT reconciliation_period CHECK (period_until > period_from)
) {strict};
CREATE INDEX reconciliation_begun ON reconciliation (begun_at, id);
CREATE INDEX reconciliation_open ON reconciliation (told_at) WHERE status IN ('loading', 'matching');

-- What the statement says, for as long as it is compared.
CREATE TABLE reconciliation_line (
    run_id BIGINT NOT NULL REFERENCES reconciliation (id),
    line BIGINT NOT NULL,
    external_id TEXT NOT NULL,
    amount BIGINT NOT NULL,
    at BIGINT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (run_id, line)
) {strict};
CREATE INDEX reconciliation_line_payment ON reconciliation_line (run_id, external_id, line);

CREATE TABLE reconciliation_difference (
    id {identity},
    run_id BIGINT NOT NULL REFERENCES reconciliation (id),
    kind TEXT NOT NULL CHECK (kind IN ('missing_here', 'missing_there', 'amount_differs', 'state_differs',
                                       'duplicate_there', 'unreadable_line')),
    line BIGINT,
    fault TEXT,
    external_id TEXT,
    their_amount BIGINT,
    their_at BIGINT,
    their_state TEXT,
    payment_id BIGINT REFERENCES payment (id),
    our_amount BIGINT,
    our_status TEXT,
    status TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'settled')),
    resolution TEXT CHECK (resolution IN ('accepted', 'provider_corrects', 'captured_here', 'cancelled_here',
                                          'adjusted')),
    reason TEXT,
    proposal_id BIGINT UNIQUE REFERENCES approval (id),
    settled_by BIGINT REFERENCES staff (id),
    settled_at BIGINT,
    CONSTRAINT difference_reason CHECK (length(reason) BETWEEN 10 AND 500),
    CONSTRAINT difference_settled CHECK (
        (status = 'settled') = (resolution IS NOT NULL) AND (status = 'settled') = (reason IS NOT NULL)
        AND (status = 'settled') = (settled_by IS NOT NULL) AND (status = 'settled') = (settled_at IS NOT NULL)
    ),
    CONSTRAINT difference_adjusted CHECK ((proposal_id IS NOT NULL) = (resolution IS NOT NULL AND resolution = 'adjusted'))
) {strict};
CREATE INDEX reconciliation_difference_run ON reconciliation_difference (run_id, status, kind, id);
CREATE INDEX reconciliation_difference_payment ON reconciliation_difference (payment_id);
