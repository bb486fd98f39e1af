-- What the tax office's module registered of a movement: kept as it came.
CREATE TABLE fiscal_receipt (
    transfer_id BIGINT PRIMARY KEY REFERENCES ledger_transfer (id),
    terminal TEXT NOT NULL,
    receipt_number TEXT NOT NULL,
    at BIGINT NOT NULL,
    sign TEXT NOT NULL,
    qr_url TEXT NOT NULL,
    items TEXT NOT NULL,
    CONSTRAINT fiscal_receipt_number UNIQUE (terminal, receipt_number)
) {strict};

-- Whoever checks a receipt is told when its movement was put right by another.
CREATE INDEX ledger_transfer_corrects ON ledger_transfer (corrects_id) WHERE corrects_id IS NOT NULL;
