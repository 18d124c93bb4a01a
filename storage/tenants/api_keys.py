"""API keys: `fk-` + 37 random characters + 6 of checksum; the secret is shown once and stored as SHA-256."""

import hashlib
import secrets
import string
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from engine.tenancy import Plan, Tenant
from storage.database.connection import Connection, Row, moment, moment_or_none, month_of, ms, row, scalar
from storage.tenants import tenants

PREFIX = "fk-"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_CHARS, _CHECK_CHARS, _SHOWN_CHARS = 37, 6, 8
MAX_LIVE = 10
"""Upper bound for the live keys that a tenant makes without the operator."""


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


@dataclass(frozen=True, slots=True)
class ApiKey:
    """The parts of a key that may be shown. `used_tokens` counts the current month."""

    id: int
    name: str
    prefix: str
    tokens_per_month: int | None
    used_tokens: int
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


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


def add(
    conn: Connection, tenant_id: int, key: NewKey, *, name: str, tokens_per_month: int | None, now: datetime
) -> ApiKey:
    made = row(
        conn,
        "INSERT INTO api_keys (tenant_id, name, prefix, sha256, tokens_per_month, month, used_tokens, held_tokens,"
        " created_at) VALUES (:tenant, :name, :prefix, :sha256, :limit, :month, 0, 0, :now) RETURNING *",
        tenant=tenant_id,
        name=name,
        prefix=key.prefix,
        sha256=key.sha256,
        limit=tokens_per_month,
        month=month_of(now),
        now=ms(now),
    )
    assert made is not None
    return _key(made, now)


def list_for(conn: Connection, tenant_id: int, now: datetime, *, revoked: bool = False) -> list[ApiKey]:
    """Return the tenant's keys, oldest first; the revoked ones only with `revoked`."""
    rows = conn.rows("SELECT * FROM api_keys WHERE tenant_id = :id ORDER BY id", id=tenant_id)
    return [_key(found, now) for found in rows if revoked or found["revoked_at"] is None]


def authenticate(conn: Connection, sha256: str, plans: Mapping[str, Plan]) -> tuple[Tenant, int] | None:
    """Return the tenant and the id of a live key, if any. Looking up a hash leaks nothing by its timing."""
    found = row(conn, "SELECT * FROM api_keys WHERE sha256 = :sha256 AND revoked_at IS NULL", sha256=sha256)
    state = tenants.state(conn, found["tenant_id"]) if found else None
    if found is None or state is None:
        return None
    return state.tenant(plans), found["id"]


def touch(conn: Connection, key_id: int, now: datetime) -> None:
    """Store the time of the last use."""
    conn.run("UPDATE api_keys SET last_used_at = :now WHERE id = :id", id=key_id, now=ms(now))


def set_limit(conn: Connection, tenant_id: int, key_id: int, tokens_per_month: int | None) -> bool:
    """Set or remove the monthly limit; False when the tenant has no such live key."""
    return bool(
        conn.run(
            "UPDATE api_keys SET tokens_per_month = :limit"
            " WHERE id = :id AND tenant_id = :tenant AND revoked_at IS NULL",
            id=key_id,
            tenant=tenant_id,
            limit=tokens_per_month,
        )
    )


def revoke(conn: Connection, tenant_id: int, key_id: int, now: datetime) -> bool:
    """Revoke a key at once and for good; False when the tenant has no such live key."""
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


def _key(found: Row, now: datetime) -> ApiKey:
    current = found["month"] == month_of(now)
    return ApiKey(
        found["id"],
        found["name"],
        found["prefix"],
        found["tokens_per_month"],
        found["used_tokens"] if current else 0,
        moment(found["created_at"]),
        moment_or_none(found["last_used_at"]),
        moment_or_none(found["revoked_at"]),
    )
