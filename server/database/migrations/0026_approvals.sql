-- What one member of staff proposes and another decides. `payload` and `result` are JSON; `subject` is kind:id.
CREATE TABLE approval (
    id {identity},
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    payload TEXT NOT NULL,
    reason TEXT NOT NULL,
    proposed_by BIGINT NOT NULL REFERENCES staff (id),
    proposed_at BIGINT NOT NULL,
    lapses_at BIGINT NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending',
    decided_by BIGINT REFERENCES staff (id),
    decided_at BIGINT,
    decision_note TEXT NOT NULL DEFAULT '',
    result TEXT,
    CONSTRAINT approval_reason CHECK (length(reason) BETWEEN 10 AND 500),
    CONSTRAINT approval_note CHECK (length(decision_note) <= 500),
    CONSTRAINT approval_status CHECK (status IN ('pending', 'approved', 'rejected', 'withdrawn', 'expired')),
    -- Four eyes: nobody decides on what they have proposed.
    CONSTRAINT approval_four_eyes CHECK (
        status NOT IN ('approved', 'rejected') OR (decided_by IS NOT NULL AND decided_by <> proposed_by)
    ),
    CONSTRAINT approval_withdrawal CHECK (
        status <> 'withdrawn' OR (decided_by IS NOT NULL AND decided_by = proposed_by)
    ),
    CONSTRAINT approval_decided CHECK ((status = 'pending') = (decided_at IS NULL)),
    CONSTRAINT approval_result CHECK ((status = 'approved') = (result IS NOT NULL))
) {strict};
CREATE INDEX approval_pending ON approval (lapses_at) WHERE status = 'pending';
CREATE INDEX approval_subject ON approval (subject);
