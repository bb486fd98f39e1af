-- What was said at opening stays (W-4.1.1): a PIN is made anew, and a lost number restored, by that birth date.
CREATE TRIGGER wallet_keeps_opening BEFORE UPDATE OF id, phone, birth_date, opened_at, acceptance_id ON wallet
WHEN NEW.id <> OLD.id OR NEW.phone <> OLD.phone OR NEW.birth_date <> OLD.birth_date OR NEW.opened_at <> OLD.opened_at
  OR NEW.acceptance_id <> OLD.acceptance_id
BEGIN SELECT RAISE(ABORT, 'a wallet keeps what it was opened with'); END;
-- INSERT OR REPLACE, and UPDATE OR REPLACE, would delete the row that has the phone, the number or the open request.
CREATE TRIGGER wallet_phone_no_replace BEFORE INSERT ON wallet
WHEN EXISTS (SELECT 1 FROM wallet WHERE phone = NEW.phone AND status <> 'closed')
BEGIN SELECT RAISE(ABORT, 'a wallet is never replaced'); END;
CREATE TRIGGER wallet_number_no_replace BEFORE UPDATE OF number ON wallet
WHEN EXISTS (SELECT 1 FROM wallet WHERE number = NEW.number AND id <> OLD.id)
BEGIN SELECT RAISE(ABORT, 'a wallet is never replaced'); END;
CREATE TRIGGER redemption_open_no_replace BEFORE INSERT ON redemption
WHEN EXISTS (
    SELECT 1 FROM redemption WHERE wallet_id = NEW.wallet_id AND status = 'requested' AND NEW.status = 'requested'
) OR EXISTS (SELECT 1 FROM redemption WHERE transfer_id = NEW.transfer_id)
BEGIN SELECT RAISE(ABORT, 'a redemption is never replaced'); END;
CREATE TRIGGER redemption_transfer_no_replace BEFORE UPDATE OF transfer_id ON redemption
WHEN EXISTS (SELECT 1 FROM redemption WHERE transfer_id = NEW.transfer_id AND id <> OLD.id)
BEGIN SELECT RAISE(ABORT, 'a redemption is never replaced'); END;
