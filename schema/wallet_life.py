"""The holder's steps with a wallet: the PIN, giving it up, asking to be paid out (W-4.6, W-5.4.2)."""

from datetime import date
from decimal import Decimal
from typing import Annotated

import strawberry

from resolvers import wallet as wallets
from schema import problem
from schema.context import Info
from schema.wallet import Wallet, wrap_wallet
from schema.wallet_state import Redemption, wrap_redemption


@strawberry.type(description="The PIN is another one; every session must unlock the wallet anew.")
class PinChanged:
    wallet: Wallet = strawberry.field(description="The caller's wallet.")


@strawberry.input(description="Another PIN, by the one there is.")
class ChangePinInput:
    old_pin: str = strawberry.field(description="The PIN there is.")
    new_pin: str = strawberry.field(description="Four to six digits.")


@strawberry.input(description="A new PIN, by the birth date given at opening, from the wallet's own number (W-4.6.6).")
class ResetPinInput:
    birth_date: date = strawberry.field(description="The birth date given when the wallet was opened.")
    new_pin: str = strawberry.field(description="Four to six digits.")


@strawberry.input(description="Giving the wallet up, for good (W-4.6.1a).")
class CloseWalletInput:
    leave_rest: bool = strawberry.field(
        default=False,
        description="Close it although money is in it: the rest stays frozen, for three years at most (W-4.6.2).",
    )


@strawberry.input(description="A request to be paid out (W-5.4.2).")
class RequestRedemptionInput:
    amount: Decimal = strawberry.field(description="So'm, at most two decimals.")
    destination: str = strawberry.field(description="Where to: an account, a card, an office; 4 to 200 characters.")
    idempotency_key: strawberry.ID = strawberry.field(
        description="Made by the client, one per intended request: sending it again asks once."
    )


ChangePinResult = Annotated[
    PinChanged | problem.WalletMissing | problem.InvalidInput | problem.WrongPin | problem.PinLocked,
    strawberry.union("ChangePinResult", description="That the PIN is changed, or why it is not."),
]
ResetPinResult = Annotated[
    Wallet
    | problem.WalletMissing
    | problem.NotTheWalletsNumber
    | problem.InvalidInput
    | problem.WrongBirthDate
    | problem.BirthDateLocked,
    strawberry.union("ResetPinResult", description="The wallet with its new PIN, or why there is none."),
]
CloseWalletResult = Annotated[
    Wallet
    | problem.WalletMissing
    | problem.WalletLocked
    | problem.WalletNotActive
    | problem.BalanceNotZero
    | problem.InsufficientFunds,
    strawberry.union("CloseWalletResult", description="The closed wallet, or why it is not closed."),
]
RequestRedemptionResult = Annotated[
    Redemption
    | problem.InvalidAmount
    | problem.InvalidInput
    | problem.WalletMissing
    | problem.WalletLocked
    | problem.WalletNotActive
    | problem.InsufficientFunds
    | problem.RedemptionOpen
    | problem.IdempotencyKeyReused,
    strawberry.union("RequestRedemptionResult", description="The request, or why there is none."),
]


@strawberry.type
class WalletLifeMutations:
    @strawberry.mutation(description="Makes another PIN for who knows the one there is.")
    async def change_pin(self, info: Info, input: ChangePinInput) -> ChangePinResult:
        view = await wallets.change_pin(info.context, old=input.old_pin, new=input.new_pin)
        return PinChanged(wallet=wrap_wallet(view))

    @strawberry.mutation(description="Blocks the caller's wallets until the PIN is made anew by resetPin (W-4.6.1e).")
    async def forget_pin(self, info: Info) -> list[Wallet]:
        return [wrap_wallet(view) for view in await wallets.forget_pin(info.context)]

    @strawberry.mutation(
        description="Makes a new PIN by the birth date, from the wallet's own number (W-4.6.6). "
        "A wallet of another number of the same holder waits until the PIN is made anew from that number, too."
    )
    async def reset_pin(self, info: Info, input: ResetPinInput) -> ResetPinResult:
        view = await wallets.reset_pin(info.context, birth_date=input.birth_date, pin=input.new_pin)
        return wrap_wallet(view)

    @strawberry.mutation(description="Gives the caller's wallet up, for good (W-4.6.1a). A new one can be opened.")
    async def close_wallet(self, info: Info, input: CloseWalletInput) -> CloseWalletResult:
        return wrap_wallet(await wallets.close_wallet(info.context, leave_rest=input.leave_rest))

    @strawberry.mutation(description="Asks to be paid out of the wallet (W-5.4.2); staff carry it out.")
    async def request_redemption(self, info: Info, input: RequestRedemptionInput) -> RequestRedemptionResult:
        view = await wallets.request_redemption(
            info.context, amount=input.amount, destination=input.destination, key=input.idempotency_key
        )
        return wrap_redemption(view)
