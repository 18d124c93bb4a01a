"""The user in the Mini App's initData, which Telegram signs with the bot's token.

Source: core.telegram.org/bots/webapps, "Validating data received via the Mini App".
"""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

from web.errors import HttpProblem

OLDEST = timedelta(days=1)
AHEAD = timedelta(minutes=5)
"""How far this machine's clock may be behind Telegram's."""
MOST_CHARS, MOST_FIELDS = 8192, 40

NOT_SIGNED = HttpProblem(
    401,
    "Open this page in Telegram, with the bot's menu button: `Authorization: tma <initData>` is missing or not valid.",
    type="authentication_error",
    code="invalid_init_data",
    challenge="tma",
)
TOO_OLD = HttpProblem(
    401,
    "The app was opened more than a day ago. Close it and open it again.",
    type="authentication_error",
    code="init_data_expired",
    challenge="tma",
)


@dataclass(frozen=True, slots=True)
class Person:
    """A Telegram user, as the initData names them."""

    id: int
    language: str


def secret_key(token: str) -> bytes:
    """Return the key that Telegram signs the bot's initData with."""
    return hmac.new(b"WebAppData", token.encode(), hashlib.sha256).digest()


def read_user(init_data: str, secret: bytes, now: datetime) -> Person:
    """Return the user of `init_data`.

    Raises HttpProblem 401 where the signature is wrong, the data is older than OLDEST, or no user is named.
    """
    fields = _fields(init_data)
    given = fields.pop("hash", "")
    if not hmac.compare_digest(given.encode(), _hash(fields, secret).encode()):
        raise NOT_SIGNED.new()
    if not -AHEAD <= now - _moment(fields, now) <= OLDEST:
        raise TOO_OLD.new()
    return _user(fields)


def _hash(fields: dict[str, str], secret: bytes) -> str:
    """Return the HMAC of all fields but `hash`, sorted by name; `signature` is included."""
    lines = "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    return hmac.new(secret, lines.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _fields(init_data: str) -> dict[str, str]:
    """Return the fields. Raises HttpProblem 401 where a name comes twice, or the data is too long."""
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


def _user(fields: dict[str, str]) -> Person:
    """Raises HttpProblem 401 where no user is named, as when the app was opened by an inline mode's button."""
    try:
        user = json.loads(fields["user"])
        return Person(int(user["id"]), str(user.get("language_code") or ""))
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise NOT_SIGNED.new() from error
