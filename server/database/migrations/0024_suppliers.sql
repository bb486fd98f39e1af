-- Suppliers that wallets pay. `name` and `reference_label` are JSON texts by language. The commission is tiyin and
-- hundredths of a percent; a supplier's ledger account is of the operator's kind: it has no running balance, so that
-- nobody who pays the same supplier waits for another. `memo` is its part of each payment's memo: members of a JSON
-- object, written whenever the supplier is.
CREATE TABLE supplier (
    id {identity},
    code TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    search_name TEXT NOT NULL,
    legal_name TEXT NOT NULL,
    stir TEXT NOT NULL,
    memo TEXT NOT NULL,
    reference_label TEXT NOT NULL,
    reference_kind TEXT NOT NULL,
    reference_least BIGINT NOT NULL,
    reference_most BIGINT NOT NULL,
    commission_basis_points BIGINT NOT NULL,
    commission_fixed BIGINT NOT NULL,
    commission_least BIGINT NOT NULL,
    commission_most BIGINT,
    mxik_code TEXT,
    mxik_package TEXT,
    vat_percent BIGINT,
    on_sale BOOLEAN NOT NULL,
    partner_id BIGINT REFERENCES partner (id),
    ledger_account_id BIGINT NOT NULL UNIQUE REFERENCES ledger_account (id),
    created_at BIGINT NOT NULL,
    CONSTRAINT supplier_stir CHECK (length(stir) = 9),
    CONSTRAINT supplier_reference_kind CHECK (reference_kind IN ('digits', 'letters_digits')),
    CONSTRAINT supplier_reference_length CHECK (
        reference_least >= 1 AND reference_most >= reference_least AND reference_most <= 40
    ),
    CONSTRAINT supplier_commission CHECK (
        commission_basis_points BETWEEN 0 AND 10000 AND commission_fixed BETWEEN 0 AND 1000000000000
        AND commission_least BETWEEN 0 AND 1000000000000
        AND (commission_most IS NULL OR commission_most BETWEEN commission_least AND 1000000000000)
    ),
    CONSTRAINT supplier_mxik CHECK (mxik_code IS NULL OR length(mxik_code) = 17),
    CONSTRAINT supplier_vat CHECK (vat_percent IS NULL OR vat_percent BETWEEN 0 AND 100)
) {strict};
CREATE INDEX supplier_partner ON supplier (partner_id);

-- What a holder pays or sends again and again; without `amount` it is asked each time.
CREATE TABLE favourite (
    id {identity},
    wallet_id BIGINT NOT NULL REFERENCES wallet (id),
    name TEXT NOT NULL,
    recipient TEXT,
    supplier_id BIGINT REFERENCES supplier (id),
    reference TEXT,
    amount BIGINT,
    created_at BIGINT NOT NULL,
    CONSTRAINT favourite_name CHECK (length(name) BETWEEN 1 AND 60),
    CONSTRAINT favourite_amount CHECK (amount IS NULL OR amount > 0),
    CONSTRAINT favourite_target CHECK (
        (recipient IS NOT NULL AND supplier_id IS NULL AND reference IS NULL)
        OR (recipient IS NULL AND supplier_id IS NOT NULL AND reference IS NOT NULL)
    )
) {strict};
CREATE INDEX favourite_wallet ON favourite (wallet_id, created_at, id);
