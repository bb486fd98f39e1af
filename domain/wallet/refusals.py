"""How the wallet says no: each refusal with the clause that it comes from."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from domain.money import Money
from domain.refusal import Refusal


@dataclass(eq=False, kw_only=True)
class WalletMissing(Refusal):
    code: ClassVar[str] = "WALLET_MISSING"
    text: ClassVar[str] = "You have no wallet yet. Open one first."
    default_rule: ClassVar[str | None] = "W-4.1.1"


@dataclass(eq=False, kw_only=True)
class WalletExists(Refusal):
    code: ClassVar[str] = "WALLET_EXISTS"
    text: ClassVar[str] = "This number has a wallet already."
    default_rule: ClassVar[str | None] = "W-4.1.1"


@dataclass(eq=False, kw_only=True)
class WalletNotForYou(Refusal):
    """A wallet is a person's: an organisation cannot open one, nor a number that is not in service."""

    code: ClassVar[str] = "WALLET_NOT_FOR_YOU"
    text: ClassVar[str] = "Only a person with an active number can open a wallet."
    default_rule: ClassVar[str | None] = "W-4.1.1"


@dataclass(eq=False, kw_only=True)
class BirthDateWrong(Refusal):
    code: ClassVar[str] = "BIRTH_DATE_WRONG"
    text: ClassVar[str] = "The date of birth is missing or does not agree with your agreement."
    default_rule: ClassVar[str | None] = "W-4.1.1"


@dataclass(eq=False, kw_only=True)
class BirthDateGuessed(BirthDateWrong):
    """Counted: by this date a PIN could be made anew (W-4.6.6), so it is not to be found out here."""

    commits: ClassVar[bool] = True


@dataclass(eq=False, kw_only=True)
class WrongPin(Refusal):
    """Counted: that is why it commits. The last try locks the PIN for a while."""

    code: ClassVar[str] = "WRONG_PIN"
    text: ClassVar[str] = "The PIN is wrong. Tries left: {tries_left}."
    default_rule: ClassVar[str | None] = "W-2.15"
    commits: ClassVar[bool] = True
    tries_left: int


@dataclass(eq=False, kw_only=True)
class PinLocked(Refusal):
    code: ClassVar[str] = "PIN_LOCKED"
    text: ClassVar[str] = "Too many wrong PINs. Try again after {until}."
    default_rule: ClassVar[str | None] = "W-2.15"
    until: datetime


@dataclass(eq=False, kw_only=True)
class WalletLocked(Refusal):
    """The holder has not entered the PIN in this session, or too long ago."""

    code: ClassVar[str] = "WALLET_LOCKED"
    text: ClassVar[str] = "Enter your PIN to unlock the wallet."
    default_rule: ClassVar[str | None] = "W-2.15"


@dataclass(eq=False, kw_only=True)
class WalletNotActive(Refusal):
    """Blocked or closed: no operation is carried out."""

    code: ClassVar[str] = "WALLET_NOT_ACTIVE"
    text: ClassVar[str] = "The wallet is blocked or closed: no operation is carried out."
    default_rule: ClassVar[str | None] = "W-5.2.1"


@dataclass(eq=False, kw_only=True)
class NotToppedUpYet(Refusal):
    code: ClassVar[str] = "NOT_TOPPED_UP_YET"
    text: ClassVar[str] = "A new wallet can pay and send only after its first top-up."
    default_rule: ClassVar[str | None] = "W-4.1.2"


@dataclass(eq=False, kw_only=True)
class RecipientNotFound(Refusal):
    code: ClassVar[str] = "RECIPIENT_NOT_FOUND"
    text: ClassVar[str] = "There is no wallet with this number. Check it: money sent in error is not returned."
    default_rule: ClassVar[str | None] = "W-4.4.5"


@dataclass(eq=False, kw_only=True)
class SameWallet(Refusal):
    code: ClassVar[str] = "SAME_WALLET"
    text: ClassVar[str] = "You cannot send money to your own wallet."
    default_rule: ClassVar[str | None] = "W-4.4.4"


@dataclass(eq=False, kw_only=True)
class TopUpLimitReached(Refusal):
    """A Light wallet's top-ups of 30 calendar days would exceed 5 BHM."""

    code: ClassVar[str] = "TOP_UP_LIMIT_REACHED"
    text: ClassVar[str] = (
        "A Light wallet takes at most {limit} in 30 days: {used} is used, {left} is left. "
        "Room comes back on {resets_at}."
    )
    text_unused: ClassVar[str] = "A Light wallet takes at most {limit} in 30 days."
    default_rule: ClassVar[str | None] = "W-4.5.1a"
    limit: Money
    used: Money
    left: Money
    resets_at: datetime | None

    @property
    def sentence(self) -> str:
        return self.text if self.resets_at is not None else self.text_unused


@dataclass(eq=False, kw_only=True)
class BalanceLimitReached(Refusal):
    """A Light wallet's balance would exceed 5 BHM."""

    code: ClassVar[str] = "BALANCE_LIMIT_REACHED"
    text: ClassVar[str] = "A Light wallet holds at most {limit}: {left} more would fit."
    default_rule: ClassVar[str | None] = "W-4.5.1b"
    limit: Money
    left: Money


@dataclass(eq=False, kw_only=True)
class NotTheWalletsNumber(Refusal):
    """A PIN is made anew from the wallet's own number alone."""

    code: ClassVar[str] = "NOT_THE_WALLETS_NUMBER"
    text: ClassVar[str] = "Sign in with the number that your wallet was opened for."
    default_rule: ClassVar[str | None] = "W-4.6.6"


@dataclass(eq=False, kw_only=True)
class WrongBirthDate(Refusal):
    """Counted, like a wrong PIN; the last one locks for a day."""

    code: ClassVar[str] = "WRONG_BIRTH_DATE"
    text: ClassVar[str] = "This is not the birth date given when the wallet was opened. Tries left: {tries_left}."
    default_rule: ClassVar[str | None] = "W-4.6.6"
    commits: ClassVar[bool] = True
    tries_left: int


@dataclass(eq=False, kw_only=True)
class BirthDateLocked(Refusal):
    code: ClassVar[str] = "BIRTH_DATE_LOCKED"
    text: ClassVar[str] = "Too many wrong birth dates. Try again after {until}."
    default_rule: ClassVar[str | None] = "W-4.6.6"
    until: datetime


@dataclass(eq=False, kw_only=True)
class UpgradesClosed(Refusal):
    code: ClassVar[str] = "UPGRADES_CLOSED"
    text: ClassVar[str] = "Holders are not identified now: the operator has switched it off."
    default_rule: ClassVar[str | None] = "W-4.2.1"


@dataclass(eq=False, kw_only=True)
class AlreadyPremium(Refusal):
    code: ClassVar[str] = "ALREADY_PREMIUM"
    text: ClassVar[str] = "The holder of this wallet is identified already."
    default_rule: ClassVar[str | None] = "W-4.2.1"


@dataclass(eq=False, kw_only=True)
class DocumentDisagrees(Refusal):
    """`path` says what: the number, the wallet, a name, the birth date or the PINFL."""

    code: ClassVar[str] = "DOCUMENT_DISAGREES"
    text: ClassVar[str] = "This does not agree with what was given when the wallet was opened."
    default_rule: ClassVar[str | None] = "W-4.2.1"


@dataclass(eq=False, kw_only=True)
class PinflDoubtful(Refusal):
    """The check digit is wrong: staff look at the document again, and may confirm."""

    code: ClassVar[str] = "PINFL_DOUBTFUL"
    text: ClassVar[str] = "The PINFL has another check digit than it should. Compare it with the document once more."
    default_rule: ClassVar[str | None] = "W-4.2.1"


@dataclass(eq=False, kw_only=True)
class RedemptionOpen(Refusal):
    code: ClassVar[str] = "REDEMPTION_OPEN"
    text: ClassVar[str] = "You have asked to be paid out already. Wait until that is decided."
    default_rule: ClassVar[str | None] = "W-5.4.2"


@dataclass(eq=False, kw_only=True)
class RedemptionDecided(Refusal):
    code: ClassVar[str] = "REDEMPTION_DECIDED"
    text: ClassVar[str] = "This request is decided already."
    default_rule: ClassVar[str | None] = "W-5.4.2"


@dataclass(eq=False, kw_only=True)
class OwnRequest(Refusal):
    """Who wrote a request down does not pay it out."""

    code: ClassVar[str] = "OWN_REQUEST"
    text: ClassVar[str] = "You have written this request down yourself: somebody else pays it out."
    default_rule: ClassVar[str | None] = "W-5.4.2"
