"""API keys: `fk-` + 43 characters, 37 random and 6 of checksum; stored as SHA-256, shown once."""

import hashlib
import secrets
import string
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from engine.tenancy import Plan, Tenant
from storage.database.connection import Connection, Row, row, scalar
from storage.database.dates import moment, moment_or_none, month_of, ms
from storage.tenants import tenants

PREFIX = "fk-"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_CHARS, _CHECK_CHARS, _SHOWN_CHARS = 37, 6, 8
MOST_LIVE = 10
"""What a tenant may have at once of those that they make themselves."""


@dataclass(frozen=True, slots=True)
class NewKey:
    secret: str

    @property
    def prefix(self) -> str:
        return self.secret[:_SHOWN_CHARS]

    @property
    def sha256(self) -> str:
        return digest(self.secret)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What may be shown of a key. `used_tokens` are this month's."""

    id: int
    name: str
    prefix: str
    tokens_per_month: int | None
    used_tokens: int
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


def new_key() -> NewKey:
    """220 bits of chance; the checksum lets scanners and us reject a typo without asking the database."""
    chance = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_CHARS))
    return NewKey(PREFIX + chance + _checksum(chance))


def looks_right(secret: str) -> bool:
    if not secret.startswith(PREFIX) or len(secret) != len(PREFIX) + _RANDOM_CHARS + _CHECK_CHARS:
        return False
    chance, check = secret[len(PREFIX) : -_CHECK_CHARS], secret[-_CHECK_CHARS:]
    return secret.isascii() and secrets.compare_digest(_checksum(chance), check)


def digest(secret: str) -> str:
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
    """Oldest first; revoked ones only when asked for."""
    rows = conn.rows("SELECT * FROM api_keys WHERE tenant_id = :id ORDER BY id", id=tenant_id)
    return [_key(found, now) for found in rows if revoked or found["revoked_at"] is None]


def authenticate(conn: Connection, sha256: str, plans: Mapping[str, Plan]) -> tuple[Tenant, int] | None:
    """Whose live key this is, and its id. The lookup is by hash: there is nothing to time."""
    found = row(conn, "SELECT * FROM api_keys WHERE sha256 = :sha256 AND revoked_at IS NULL", sha256=sha256)
    state = tenants.state(conn, found["tenant_id"]) if found else None
    if found is None or state is None:
        return None
    return state.tenant(plans), found["id"]


def touch(conn: Connection, key_id: int, now: datetime) -> None:
    conn.run("UPDATE api_keys SET last_used_at = :now WHERE id = :id", id=key_id, now=ms(now))


def set_limit(conn: Connection, tenant_id: int, key_id: int, tokens_per_month: int | None) -> bool:
    """False when the tenant has no such live key."""
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
    """At once and for good; False when the tenant has no such live key."""
    return bool(
        conn.run(
            "UPDATE api_keys SET revoked_at = :now WHERE id = :id AND tenant_id = :tenant AND revoked_at IS NULL",
            id=key_id,
            tenant=tenant_id,
            now=ms(now),
        )
    )


def live_keys(conn: Connection, tenant_id: int) -> int:
    return int(
        scalar(
            conn,
            "SELECT count(*) AS n FROM api_keys WHERE tenant_id = :id AND revoked_at IS NULL",
            id=tenant_id,
        )
    )


def _checksum(chance: str) -> str:
    number, digits = zlib.crc32(chance.encode()), ""
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
