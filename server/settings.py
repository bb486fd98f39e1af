"""The installation's settings: environment variables that begin with KABINET_, judged before anything starts."""

import ipaddress
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateways.sms import open_sms
from server.database.connection import BadDatabaseUrl, DatabaseUrl

DEVELOPMENT_SECRET: Final = "kabinet-development-secret-not-for-production"  # noqa: S105  # refused in production
SHORTEST_SECRET: Final = 32


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class BadSettings(ValueError):
    """What is wrong, in one line that names each setting and shows no secret."""


class Settings(BaseSettings):
    """One field a variable: `database_url` is KABINET_DATABASE_URL."""

    model_config = SettingsConfigDict(env_prefix="KABINET_", extra="ignore")

    env: Environment = Environment.DEVELOPMENT
    database_url: str = "sqlite:///kabinet.db"
    secret_key: str = DEVELOPMENT_SECRET
    sms_url: str = "console://"
    bus_url: str = ""
    payme_key: str = ""
    click_service_id: str = ""
    click_secret: str = ""
    worker_in_server: bool = True
    log_format: Literal["console", "json"] = "console"
    trusted_proxies: str = ""
    introspection: bool | None = None
    log_requests: Literal["all", "notable"] | None = None
    graphql_engine: Literal["compiled", "stock"] = "compiled"
    graphql_documents: str = ""
    graphql_trusted_only: bool = False
    otp_resend_seconds: int = Field(default=60, ge=0, le=600)
    otp_per_phone_per_hour: int | None = Field(default=None, ge=1, le=1000)
    otp_per_address_per_hour: int | None = Field(default=None, ge=1, le=100_000)
    otp_in_total_per_hour: int = Field(default=20_000, ge=1, le=10_000_000)
    public_url: str = "http://127.0.0.1:8000"
    operator_name: str = Field(default="", max_length=120)
    operator_stir: str = Field(default="", pattern=r"^([0-9]{9})?$")
    operator_address: str = Field(default="", max_length=200)
    operator_phone: str = Field(default="", max_length=40)

    @property
    def development(self) -> bool:
        return self.env is Environment.DEVELOPMENT

    @property
    def logs_all_requests(self) -> bool:
        """Every request has a line in the log: unless told otherwise, in development."""
        return self.development if self.log_requests is None else self.log_requests == "all"

    @property
    def proxies(self) -> frozenset[str]:
        """Addresses whose X-Forwarded-For is believed."""
        return frozenset(part.strip() for part in self.trusted_proxies.split(",") if part.strip())


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process. Raises BadSettings."""
    try:
        read = Settings()
    except ValidationError as error:
        faults = [f"KABINET_{'_'.join(map(str, e['loc'])).upper()}: {e['msg'].lower()}" for e in error.errors()]
        raise BadSettings("; ".join(faults)) from None
    faults = list(_faults(read))
    if faults:
        raise BadSettings("; ".join(faults))
    return read


def _faults(read: Settings) -> list[str]:
    faults = []
    try:
        DatabaseUrl.read(read.database_url)
    except BadDatabaseUrl as error:
        faults.append(f"KABINET_DATABASE_URL: {error}")
    except ValueError:
        faults.append("KABINET_DATABASE_URL: it cannot be read")
    try:
        open_sms(read.sms_url)
    except ValueError as error:
        faults.append(f"KABINET_SMS_URL: {error}")
    faults += [f"KABINET_TRUSTED_PROXIES: {proxy} is no address" for proxy in read.proxies if not _is_address(proxy)]
    if read.graphql_documents and not Path(read.graphql_documents).is_dir():
        faults.append("KABINET_GRAPHQL_DOCUMENTS: there is no such folder")
    if read.graphql_trusted_only and not read.graphql_documents:
        faults.append("KABINET_GRAPHQL_TRUSTED_ONLY: needs the folder of KABINET_GRAPHQL_DOCUMENTS")
    if not _is_base(read.public_url):
        faults.append("KABINET_PUBLIC_URL: an address such as https://cabinet.example, without a slash at its end")
    if read.bus_url:
        faults.append("KABINET_BUS_URL: no bus but the database's own is supported in this version; leave it empty")
    if not read.development:
        faults += _production_faults(read)
    return faults


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_base(url: str) -> bool:
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
    return whole and url.isascii() and url.isprintable() and not set(url) & set(" ?#@\"'<>\\") and url[-1] != "/"


def _production_faults(read: Settings) -> list[str]:
    faults = []
    if read.secret_key == DEVELOPMENT_SECRET:
        faults.append("KABINET_SECRET_KEY: production needs a secret of its own")
    elif len(read.secret_key) < SHORTEST_SECRET:
        faults.append(f"KABINET_SECRET_KEY: production needs at least {SHORTEST_SECRET} characters")
    if urlsplit(read.sms_url).scheme in ("console", "file"):
        faults.append("KABINET_SMS_URL: production sends real messages; this one would show codes to whoever reads it")
    return faults
