"""The user in the Mini App's initData, signed by Telegram with the bot's token (HMAC) or its own key (Ed25519).

Source: core.telegram.org/bots/webapps, "Validating data received via the Mini App" and "for Third-Party Use".
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

from web.errors import HttpProblem

OLDEST = timedelta(hours=1)
"""The oldest accepted data: the app exchanges them for a session right after it is opened."""
AHEAD = timedelta(minutes=5)
"""How far this machine's clock may be behind Telegram's."""
MOST_CHARS, MOST_FIELDS = 8192, 40
MOST_USER_ID = 2**52
"""Telegram's ids have at most 52 significant bits."""
PRODUCTION_KEY = bytes.fromhex("e7bf03a2fa4602af4580703d88dda5bb59f32ed8b02a56c187fe7d34caed242d")
TEST_KEY = bytes.fromhex("40055058a4ee38156a06562e52eece92a771bcd8346a8c4615cb7376eddf72ec")
TEST_SUFFIX = "/test"
"""The end of a token for Telegram's test environment, as calls of its Bot API need it."""

NOT_SIGNED = HttpProblem(
    401,
    "Open this page in Telegram, with the bot's menu button: `Authorization: tma <initData>` is missing or not valid.",
    type="authentication_error",
    code="invalid_init_data",
    challenge="tma",
)
TOO_OLD = HttpProblem(
    401,
    "The app was opened more than an hour ago, or before you signed out. Close it and open it again.",
    type="authentication_error",
    code="init_data_expired",
    challenge="tma",
)


@dataclass(frozen=True, slots=True)
class Signer:
    """The keys that prove initData of one bot: the HMAC key of its token, and Telegram's public key."""

    bot_id: str
    secret: bytes = field(repr=False)
    public_key: bytes = PRODUCTION_KEY

    @classmethod
    def of(cls, token: str) -> "Signer":
        is_test = token.endswith(TEST_SUFFIX)
        token = token.removesuffix(TEST_SUFFIX)
        secret = hmac.new(b"WebAppData", token.encode(), hashlib.sha256).digest()
        return cls(token.partition(":")[0], secret, TEST_KEY if is_test else PRODUCTION_KEY)

    def has_signed(self, fields: Mapping[str, str]) -> bool:
        """Return True if one of the two signatures is valid. Older apps send no Ed25519 signature."""
        return self._is_hash_right(fields) or self._is_signature_right(fields)

    def _is_hash_right(self, fields: Mapping[str, str]) -> bool:
        """Return whether the HMAC is valid. It covers all other fields, including `signature`."""
        expected = hmac.new(self.secret, _lines(fields, {"hash"}), hashlib.sha256).hexdigest()
        return hmac.compare_digest(fields.get("hash", "").encode("utf-8", "surrogatepass"), expected.encode())

    def _is_signature_right(self, fields: Mapping[str, str]) -> bool:
        """Return whether the Ed25519 signature is valid.

        It covers the bot's id and all fields but itself and `hash`.
        """
        signature = _decoded(fields.get("signature", ""))
        if not signature:
            return False
        from nacl.exceptions import CryptoError  # noqa: PLC0415 - only for data that the token has not signed
        from nacl.signing import VerifyKey  # noqa: PLC0415

        signed = f"{self.bot_id}:WebAppData\n".encode() + _lines(fields, {"hash", "signature"})
        try:
            VerifyKey(self.public_key).verify(signed, signature)
        except (CryptoError, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Person:
    """A Telegram user as initData describes it, and the time when Telegram signed it."""

    id: int
    language: str
    signed_at: datetime


def read_user(init_data: str, signer: Signer, now: datetime) -> Person:
    """Return the user in `init_data`.

    Raises HttpProblem 401 if no signature is valid, the data is older than OLDEST, or it contains no user.
    """
    fields = _fields(init_data)
    if not signer.has_signed(fields):
        raise NOT_SIGNED.new()
    signed_at = _moment(fields, now)
    if not -AHEAD <= now - signed_at <= OLDEST:
        raise TOO_OLD.new()
    return _user(fields, signed_at)


def _lines(fields: Mapping[str, str], without: set[str]) -> bytes:
    """Return the text that was signed: the other fields, sorted by name, one per line."""
    names = sorted(name for name in fields if name not in without)
    return "\n".join(f"{name}={fields[name]}" for name in names).encode("utf-8", "surrogatepass")


def _decoded(signature: str) -> bytes:
    """Return the bytes of a signature in base64url without padding; b"" for any other text."""
    try:
        return base64.b64decode(signature + "=" * (-len(signature) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _fields(init_data: str) -> dict[str, str]:
    """Return the fields. Raises HttpProblem 401 if a name occurs twice or the data is too long."""
    if len(init_data) > MOST_CHARS:
        raise NOT_SIGNED.new()
    try:
        pairs = parse_qsl(init_data, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise NOT_SIGNED.new() from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise NOT_SIGNED.new()
    return fields


def _moment(fields: dict[str, str], now: datetime) -> datetime:
    try:
        return datetime.fromtimestamp(int(fields["auth_date"]), now.tzinfo)
    except (KeyError, ValueError, OverflowError, OSError) as error:
        raise NOT_SIGNED.new() from error


def _user(fields: dict[str, str], signed_at: datetime) -> Person:
    """Return the user. Raises HttpProblem 401 if there is none, as in an app opened from the inline mode."""
    try:
        user = json.loads(fields["user"])
        person = Person(int(user["id"]), str(user.get("language_code") or ""), signed_at)
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise NOT_SIGNED.new() from error
    if not 0 < person.id <= MOST_USER_ID:
        raise NOT_SIGNED.new()
    return person
