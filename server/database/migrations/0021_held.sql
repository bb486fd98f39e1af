-- The part of an account's money that open holds reserve (migration 0030): it is there, and nothing else may spend it.
ALTER TABLE ledger_account ADD COLUMN held BIGINT NOT NULL DEFAULT 0 CONSTRAINT ledger_account_held CHECK (
    held = 0 OR (held > 0 AND balance IS NOT NULL AND (floor IS NULL OR balance - held >= floor))
);
