"""The business: models, pure rules, refusals and the ledger. Knows no web and no GraphQL."""
