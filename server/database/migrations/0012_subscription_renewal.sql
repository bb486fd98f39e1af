-- The end day that the subscriber has been told a renewal for: told once a period, never charged untold (S-7, R-2).
ALTER TABLE product_subscription ADD COLUMN renewal_told_for TEXT;
CREATE INDEX product_subscription_renewal ON product_subscription (ends_on) WHERE auto_renew AND status = 'active';
