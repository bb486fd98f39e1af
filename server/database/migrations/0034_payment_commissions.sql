-- What agents kept counts towards a Light wallet's 30 days.
CREATE INDEX payment_commission ON payment (account_id, captured_at) WHERE commission > 0;
