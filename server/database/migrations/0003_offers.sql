-- Public offers in editions: the text never changes after publication; a change is a new edition (A-0).
CREATE TABLE offer (
    id {identity},
    code TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    notice_days BIGINT NOT NULL CHECK (notice_days >= 0)
) {strict};

CREATE TABLE offer_edition (
    id {identity},
    offer_id BIGINT NOT NULL REFERENCES offer (id),
    edition TEXT NOT NULL,
    published_at BIGINT NOT NULL,
    effective_from TEXT NOT NULL,
    hash TEXT NOT NULL,
    UNIQUE (offer_id, edition)
) {strict};
CREATE INDEX offer_edition_effective ON offer_edition (offer_id, effective_from);

CREATE TABLE offer_text (
    id {identity},
    edition_id BIGINT NOT NULL REFERENCES offer_edition (id),
    language TEXT NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    hash TEXT NOT NULL,
    UNIQUE (edition_id, language)
) {strict};

CREATE TABLE offer_clause (
    id {identity},
    text_id BIGINT NOT NULL REFERENCES offer_text (id),
    position BIGINT NOT NULL,
    number TEXT NOT NULL,
    depth BIGINT NOT NULL,
    heading BOOLEAN NOT NULL,
    content TEXT NOT NULL,
    UNIQUE (text_id, number)
) {strict};

-- What was accepted, when, by whom, how it was proved (A-3.7): kept for ever.
CREATE TABLE offer_acceptance (
    id {identity},
    edition_id BIGINT NOT NULL REFERENCES offer_edition (id),
    subscriber_id BIGINT NOT NULL REFERENCES subscriber (id),
    phone TEXT NOT NULL,
    language TEXT NOT NULL,
    text_hash TEXT NOT NULL,
    at BIGINT NOT NULL,
    occasion TEXT NOT NULL,
    proof TEXT NOT NULL
) {strict};
CREATE INDEX offer_acceptance_subscriber ON offer_acceptance (subscriber_id, at);
