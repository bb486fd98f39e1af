"""What is derived from the installation's one secret key, so that the database holds nothing worth stealing.

One-time codes, staff TOTP seeds and webhook signing keys are not stored at all: they are computed from the key and a
random nonce that is stored. A copy of the database without the key opens nothing.
"""

import base64
import hashlib
import hmac
import secrets as random_secrets


class Secrets:
    """Derives purpose-bound keys; two purposes never share one."""

    def __init__(self, key: str) -> None:
        self._key = hashlib.sha256(key.encode()).digest()
        self._derived: dict[str, bytes] = {}

    def derive(self, purpose: str, *parts: str) -> bytes:
        """32 bytes for this purpose and these parts, the same each time."""
        if parts:
            return hmac.digest(self._key, "\x1f".join((purpose, *parts)).encode(), "sha256")
        # There are few purposes, and each request asks for one.
        found = self._derived.get(purpose)
        if found is None:
            found = self._derived[purpose] = hmac.digest(self._key, purpose.encode(), "sha256")
        return found

    def derive_base32(self, purpose: str, *parts: str) -> str:
        """The same as text that pyotp takes for a secret."""
        return base64.b32encode(self.derive(purpose, *parts)).decode().rstrip("=")


def new_token(prefix: str = "") -> str:
    """A fresh unguessable token (256 bits), shown to its owner once and stored only as `fingerprint`."""
    return prefix + random_secrets.token_urlsafe(32)


def fingerprint(token: str) -> str:
    """What is stored of a random token: enough to find it by, useless to use it."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_public_id() -> str:
    """A random id (128 bits) for things that strangers may know by their id alone, such as an order on a web site."""
    return random_secrets.token_hex(16)
