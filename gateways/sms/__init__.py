"""Text messages to subscribers: one promise, several ways to keep it, chosen by one address."""

from domain.clock import Clock
from gateways.sms.console import ConsoleSms
from gateways.sms.eskiz import EskizSms
from gateways.sms.file import FileSms
from gateways.sms.gateway import SmsGateway, SmsNotSent
from gateways.sms.playmobile import PlayMobileSms
from gateways.sms.smpp import OnReceipt, SmppGateway
from gateways.sms.smpp_pdu import DeliveryState

__all__ = ["DeliveryState", "OnReceipt", "SmsGateway", "SmsNotSent", "open_sms"]


def open_sms(url: str, *, clock: Clock | None = None, on_receipt: OnReceipt | None = None) -> SmsGateway:
    """The gateway that KABINET_SMS_URL names; nothing is connected before the first message.

    `console://`, `file:///path/sms.jsonl`, `smpp://user:password@host:port`, `eskiz://email:password@host` or
    `playmobile://user:password@host`. `on_receipt` is for SMPP, `clock` for the file. Raises ValueError in one line
    that never repeats the address, which holds a password.
    """
    scheme, separator, rest = url.partition("://")
    match scheme if separator else "":
        case "console" if not rest:
            return ConsoleSms()
        case "file":
            return FileSms.from_url(url, clock=clock)
        case "smpp":
            return SmppGateway.from_url(url, on_receipt=on_receipt)
        case "eskiz":
            return EskizSms.from_url(url)
        case "playmobile":
            return PlayMobileSms.from_url(url)
    raise ValueError("the SMS address begins with console://, file:///, smpp://, eskiz:// or playmobile://")
