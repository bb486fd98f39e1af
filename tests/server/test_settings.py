"""An installation with bad settings does not start, and says which they are."""

import pytest

from server.settings import BadSettings, Settings, settings


@pytest.fixture(autouse=True)
def _read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    settings.cache_clear()
    for name in Settings.model_fields:
        monkeypatch.delenv(f"KABINET_{name.upper()}", raising=False)


SAFE = {
    "KABINET_ENV": "production",
    "KABINET_SECRET_KEY": "k" * 40,
    "KABINET_SMS_URL": "eskiz://shop:secret@sms.example",
}


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return settings()


def test_with_nothing_set_it_is_a_development_server_on_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch)

    assert found.development
    assert (found.database_url, found.sms_url) == ("sqlite:///kabinet.db", "console://")


def test_production_starts_with_safe_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not read(monkeypatch, **SAFE).development


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KABINET_SECRET_KEY", "kabinet-development-secret-not-for-production"),
        ("KABINET_SECRET_KEY", "short"),
        ("KABINET_SMS_URL", "console://"),
        ("KABINET_SMS_URL", "file:///tmp/sms.jsonl"),
    ],
)
def test_production_refuses_what_is_unsafe_and_names_it(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=name):
        read(monkeypatch, **{**SAFE, name: value})


def test_production_names_all_that_is_unsafe_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadSettings, match=r"KABINET_SECRET_KEY.*; KABINET_SMS_URL"):
        read(monkeypatch, KABINET_ENV="production")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KABINET_ENV", "staging"),
        ("KABINET_DATABASE_URL", "mysql://root@127.0.0.1/x"),
        ("KABINET_DATABASE_URL", "postgres://kabinet@127.0.0.1:many/x"),
        ("KABINET_DATABASE_URL", "sqlite://"),
        ("KABINET_SMS_URL", "pigeon://coop"),
        ("KABINET_SMS_URL", "smpp://"),
        ("KABINET_BUS_URL", "nats://127.0.0.1:4222"),
        ("KABINET_LOG_FORMAT", "xml"),
        ("KABINET_OTP_RESEND_SECONDS", "soon"),
        ("KABINET_OTP_RESEND_SECONDS", "-1"),
        ("KABINET_WORKER_IN_SERVER", "perhaps"),
        ("KABINET_TRUSTED_PROXIES", "127.0.0.1, the-gate"),
        ("KABINET_PUBLIC_URL", "cabinet.example"),
        ("KABINET_PUBLIC_URL", "https://cabinet.example/"),
        ("KABINET_PUBLIC_URL", "javascript:alert(1)"),
        ("KABINET_PUBLIC_URL", ""),
        ("KABINET_OPERATOR_STIR", "12345678"),
    ],
)
def test_a_bad_value_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(BadSettings) as refused:
        read(monkeypatch, **{name: value})

    assert str(refused.value).startswith(name)
    assert "\n" not in str(refused.value)


def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadSettings) as refused:
        read(monkeypatch, **{**SAFE, "KABINET_SECRET_KEY": "hunter2", "KABINET_SMS_URL": "smpp://me:hunter3"})

    assert "hunter" not in str(refused.value)
