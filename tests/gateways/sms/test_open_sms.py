import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.sms import open_sms
from gateways.sms.console import ConsoleSms
from gateways.sms.eskiz import EskizSms
from gateways.sms.file import FileSms
from gateways.sms.gateway import read_address
from gateways.sms.playmobile import PlayMobileSms
from gateways.sms.smpp import SmppGateway, read_account

PASSWORD = "s3cretWORD"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("console://", ConsoleSms),
        ("file:///tmp/sms.jsonl", FileSms),
        ("smpp://user:pw@127.0.0.1:2775", SmppGateway),
        ("eskiz://someone%40example.org:pw@notify.eskiz.uz", EskizSms),
        ("playmobile://user:pw@send.smsxabar.uz?originator=3700", PlayMobileSms),
    ],
)
async def test_the_address_chooses_the_way(url: str, kind: type) -> None:
    gateway = open_sms(url)

    assert isinstance(gateway, kind)
    await gateway.close()
    await gateway.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "console",
        f"console://{PASSWORD}",
        "file://relative.jsonl",
        "file:///",
        "file:///tmp/sms.jsonl?x=1",
        f"telegram://user:{PASSWORD}@host",
        f"smpp://user:{PASSWORD}@",
        f"smpp://:{PASSWORD}@host",
        f"smpp://user:{PASSWORD}@host:{PASSWORD}",
        f"smpp://user:{PASSWORD}@host:99999",
        f"smpp://user:{PASSWORD}/x@host",
        f"smpp://user:{PASSWORD}#x@host",
        f"smpp://user:{PASSWORD}?x@host",
        f"smpp://user:[{PASSWORD}@host",
        f"smpp://user:{PASSWORD}℀@host",
        f"smpp://user:{PASSWORD}@host/path",
        f"smpp://user:{PASSWORD}@host?source_ton=x",
        f"smpp://user:{PASSWORD}@host?source_ton=256",
        f"smpp://user:{PASSWORD}@host?sauce=4546",
        f"smpp://user:{PASSWORD}@host?source=1&source=2",
        f"smpp://a-system-id-that-is-long:{PASSWORD}@host",
        f"smpp://user:{PASSWORD}ў@host",
        f"eskiz://user:{PASSWORD}@host?scheme=ftp",
        f"eskiz://user:{PASSWORD}@host?originator=1",
        f"playmobile://user:{PASSWORD}@host?from=1",
        "playmobile://host",
    ],
)
def test_a_bad_address_is_refused_in_one_line_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="the SMS address") as refusal:
        open_sms(url)

    assert "\n" not in str(refusal.value)
    # With what led to it: a log shows the whole chain.
    assert PASSWORD not in "".join(traceback.format_exception(refusal.value))


def complaint_about(url: str) -> str:
    """What is said about an address that cannot be read; nothing for one that can."""
    try:
        read_address(url, options=frozenset({"source"}))
    except ValueError as refusal:
        return str(refusal)
    return ""


@given(st.text(max_size=60))
def test_whatever_the_address_is_the_complaint_never_repeats_it(junk: str) -> None:
    complaint = complaint_about(f"smpp://user:{PASSWORD}{junk}")

    assert PASSWORD not in complaint
    assert "\n" not in complaint


def test_users_and_passwords_are_decoded() -> None:
    address = read_address("eskiz://a.b%40example.org:p%40%3A%2Fs@host:8443?from=x", options=frozenset({"from"}))

    assert (address.user, address.password, address.base_url()) == ("a.b@example.org", "p@:/s", "https://host:8443")
    assert "p@:/s" not in repr(address)


def test_a_name_as_the_source_is_sent_as_a_name() -> None:
    named = read_account("smpp://user:pw@host?source=Kabinet")
    digits = read_account("smpp://user:pw@host:3000?source=4546&source_ton=3&source_npi=1")

    assert (named.source, named.source_ton, named.source_npi, named.port) == ("Kabinet", 5, 0, 2775)
    assert (digits.source, digits.source_ton, digits.source_npi, digits.port) == ("4546", 3, 1, 3000)
    assert "pw" not in repr(named)
