"""API keys: `fk-` + 37 random characters + 6 of checksum; the secret is shown once and stored as SHA-256."""

import hashlib
import json
import secrets
import string
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from engine.tenancy import KeyLimits, Plan, Tenant
from storage.database.connection import Connection, Row, moment, moment_or_none, month_of, ms, row, scalar
from storage.database.statements import Statement
from storage.database.write_queue import Watched
from storage.ledger import transfers
from storage.tenants import tenants

PREFIX = "fk-"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_CHARS, _CHECK_CHARS, _SHOWN_CHARS = 37, 6, 8
MAX_LIVE, MOST_A_DAY = 10, 30
"""The most keys that a tenant can have, and make within a day, without the operator."""


_TENANT_OF_KEY = Statement(
    f"SELECT k.id, k.requests_per_minute, k.models, k.expires_at, {tenants.OF_TENANT} "
    f"FROM {tenants.TENANTS} JOIN api_keys k ON k.tenant_id = t.id WHERE k.sha256 = :sha256 AND k.revoked_at IS NULL"
)


AUTHENTICATED_BY = (
    Watched("api_keys", ("tenant_id", "sha256", "revoked_at", "requests_per_minute", "models", "expires_at")),
    Watched("tenants", ("plan", "name", "telegram_user_id", "banned", "access", "settings")),
    Watched("team_members", ("wallet_id", "tenant_id", "paused", "own_after", "left_at"), with_new_rows=True),
)
"""The columns that the result of `authenticate` comes from."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new key with its secret, which is not stored."""

    secret: str

    @property
    def prefix(self) -> str:
        return self.secret[:_SHOWN_CHARS]

    @property
    def sha256(self) -> str:
        return digest(self.secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySettings:
    """The settings of a key that its tenant and the operator may change. None: only the plan's limit applies.

    `models`: the names that the key may request, at least one.
    """

    name: str = ""
    tokens_per_month: int | None = None
    requests_per_minute: int | None = None
    models: tuple[str, ...] | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey(KeySettings):
    """The parts of a key that may be shown. `used_tokens` counts the current month."""

    id: int
    prefix: str
    used_tokens: int
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and now >= self.expires_at


def new_key() -> NewKey:
    """Generate a key with 220 random bits. Its checksum lets a typo be rejected without a database query."""
    random_part = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_CHARS))
    return NewKey(PREFIX + random_part + _checksum(random_part))


def is_well_formed(secret: str) -> bool:
    """True when prefix, length and checksum are those of an API key."""
    if not secret.startswith(PREFIX) or len(secret) != len(PREFIX) + _RANDOM_CHARS + _CHECK_CHARS:
        return False
    random_part, check = secret[len(PREFIX) : -_CHECK_CHARS], secret[-_CHECK_CHARS:]
    return secret.isascii() and secrets.compare_digest(_checksum(random_part), check)


def digest(secret: str) -> str:
    """Return the SHA-256 under which a secret is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def add(conn: Connection, tenant_id: int, key: NewKey, settings: KeySettings, now: datetime) -> ApiKey:
    stored = _stored({each.name: getattr(settings, each.name) for each in fields(settings)})
    made = row(
        conn,
        f"INSERT INTO api_keys (tenant_id, prefix, sha256, month, used_tokens, held_tokens, created_at,"
        f" {', '.join(stored)}) VALUES (:tenant, :prefix, :sha256, :month, 0, 0, :now,"
        f" {', '.join(f':{column}' for column in stored)}) RETURNING *",
        tenant=tenant_id,
        prefix=key.prefix,
        sha256=key.sha256,
        month=month_of(now),
        now=ms(now),
        **stored,
    )
    assert made is not None
    return _key(made, now)


class TooManyKeys(Enum):
    """Why a tenant may make no further key: it has MAX_LIVE, or made MOST_A_DAY within a day."""

    LIVE = "live"
    TODAY = "today"


def add_own(
    conn: Connection, tenant_id: int, key: NewKey, settings: KeySettings, now: datetime
) -> ApiKey | TooManyKeys:
    """Add a key that the tenant itself makes. The account is locked, so that simultaneous calls count each other."""
    transfers.lock_account(conn, tenant_id)
    made = list_for(conn, tenant_id, now, revoked=True)
    if sum(each.revoked_at is None for each in made) >= MAX_LIVE:
        return TooManyKeys.LIVE
    if sum(each.created_at > now - timedelta(days=1) for each in made) >= MOST_A_DAY:
        return TooManyKeys.TODAY
    return add(conn, tenant_id, key, settings, now)


def list_for(conn: Connection, tenant_id: int, now: datetime, *, revoked: bool = False) -> list[ApiKey]:
    """Return the tenant's keys, oldest first; the revoked ones only with `revoked`. Expired keys are included."""
    rows = conn.rows("SELECT * FROM api_keys WHERE tenant_id = :id ORDER BY id", id=tenant_id)
    return [_key(found, now) for found in rows if revoked or found["revoked_at"] is None]


def find(conn: Connection, tenant_id: int, key_id: int, now: datetime) -> ApiKey | None:
    """Return a key of the tenant that is not revoked."""
    return next((key for key in list_for(conn, tenant_id, now) if key.id == key_id), None)


def authenticate(conn: Connection, sha256: str, plans: Mapping[str, Plan]) -> Tenant | None:
    """Return the tenant of a key that is not revoked, with the key's limits. The caller checks `key.is_expired`.

    Looking up a hash leaks nothing by its timing.
    """
    found = conn.first(_TENANT_OF_KEY, {"sha256": sha256})
    if found is None:
        return None
    key_id, requests_per_minute, models, expires_at, *of_tenant = found
    limits = KeyLimits(
        key_id=key_id,
        requests_per_minute=requests_per_minute,
        models=None if models is None else tuple(json.loads(models)),
        expires_at=moment_or_none(expires_at),
    )
    return tenants.tenant_of(tuple(of_tenant), plans, limits)


def touch(conn: Connection, key_id: int, now: datetime) -> None:
    """Store the time of the last use."""
    conn.run("UPDATE api_keys SET last_used_at = :now WHERE id = :id", id=key_id, now=ms(now))


def forget_names(conn: Connection, tenant_id: int) -> None:
    """Erase the names of a tenant's keys, revoked ones too. The keys keep working, and are told by their prefixes."""
    conn.run("UPDATE api_keys SET name = '' WHERE tenant_id = :id", id=tenant_id)


def change(conn: Connection, tenant_id: int, key_id: int, changes: Mapping[str, Any], now: datetime) -> ApiKey | None:
    """Set the given fields of KeySettings; return the key, or None if the tenant has no such live key."""
    stored = _stored(changes)
    columns = ", ".join(f"{column} = :{column}" for column in stored) or "id = id"
    return _changed(conn, tenant_id, key_id, columns, stored, now)


def rotate(conn: Connection, tenant_id: int, key_id: int, key: NewKey, now: datetime) -> ApiKey | None:
    """Replace the secret of a live key; id, limits and counts stay. The old secret is refused at once.

    Returns None if the tenant has no such live key.
    """
    values = {"prefix": key.prefix, "sha256": key.sha256}
    return _changed(conn, tenant_id, key_id, "prefix = :prefix, sha256 = :sha256", values, now)


def revoke(conn: Connection, tenant_id: int, key_id: int, now: datetime) -> bool:
    """Revoke a key at once and permanently; return False if the tenant has no such live key."""
    return bool(
        conn.run(
            "UPDATE api_keys SET revoked_at = :now WHERE id = :id AND tenant_id = :tenant AND revoked_at IS NULL",
            id=key_id,
            tenant=tenant_id,
            now=ms(now),
        )
    )


def live_keys(conn: Connection, tenant_id: int) -> int:
    """Count the live keys of a tenant."""
    return int(
        scalar(
            conn,
            "SELECT count(*) AS n FROM api_keys WHERE tenant_id = :id AND revoked_at IS NULL",
            id=tenant_id,
        )
    )


def _checksum(random_part: str) -> str:
    """Return the CRC-32 as digits of the key alphabet."""
    number, digits = zlib.crc32(random_part.encode()), ""
    for _ in range(_CHECK_CHARS):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits


def _changed(
    conn: Connection, tenant_id: int, key_id: int, columns: str, values: Mapping[str, Any], now: datetime
) -> ApiKey | None:
    found = row(
        conn,
        f"UPDATE api_keys SET {columns} WHERE id = :id AND tenant_id = :tenant AND revoked_at IS NULL RETURNING *",
        id=key_id,
        tenant=tenant_id,
        **values,
    )
    return None if found is None else _key(found, now)


def _stored(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields of KeySettings in their stored form. Raises KeyError for any other name."""
    return {name: _COLUMNS[name](value) for name, value in settings.items()}


_COLUMNS: Mapping[str, Callable[[Any], Any]] = {
    "name": str,
    "tokens_per_month": lambda tokens: tokens,
    "requests_per_minute": lambda requests: requests,
    "models": lambda models: None if models is None else json.dumps(models),
    "expires_at": lambda moment: None if moment is None else ms(moment),
}


def _models(found: Row) -> tuple[str, ...] | None:
    return None if found["models"] is None else tuple(json.loads(found["models"]))


def _key(found: Row, now: datetime) -> ApiKey:
    current = found["month"] == month_of(now)
    return ApiKey(
        id=found["id"],
        name=found["name"],
        prefix=found["prefix"],
        tokens_per_month=found["tokens_per_month"],
        requests_per_minute=found["requests_per_minute"],
        models=_models(found),
        expires_at=moment_or_none(found["expires_at"]),
        used_tokens=found["used_tokens"] if current else 0,
        created_at=moment(found["created_at"]),
        last_used_at=moment_or_none(found["last_used_at"]),
        revoked_at=moment_or_none(found["revoked_at"]),
    )
