"""Secrets of the Mini App in a browser: a one-time link begins a session. Only their SHA-256 is stored."""

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from typing import Any

from storage.database.connection import Connection, moment, ms, row, scalar

LINK_LIFE = timedelta(minutes=5)
SESSION_LIFE = timedelta(hours=12)
MOST_SESSIONS = 10
"""Sessions of one tenant; a further one ends the oldest."""
SECRET_BYTES = 32
_FORM = re.compile(r"[A-Za-z0-9_-]{43}")
LINK, SESSION = "link", "session"


def new_secret() -> str:
    """Return 256 random bits as 43 characters that a URL may contain."""
    return secrets.token_urlsafe(SECRET_BYTES)


def is_secret(text: str) -> bool:
    """Return whether a text has the form of a secret. Another text, such as an API key, is not counted as a guess."""
    return _FORM.fullmatch(text) is not None


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def add_link(conn: Connection, tenant_id: int, secret: str, now: datetime) -> None:
    """Store a link. The tenant's earlier link becomes invalid: there is one at a time."""
    conn.run("DELETE FROM app_tokens WHERE tenant_id = :id AND kind = :kind", id=tenant_id, kind=LINK)
    _add(conn, tenant_id, LINK, secret, now, now + LINK_LIFE)


def take_link(conn: Connection, link: str, now: datetime) -> int | None:
    """Use a link and return its tenant; None if the link was used, has expired or is unknown."""
    tenant_id = scalar(
        conn,
        "DELETE FROM app_tokens WHERE sha256 = :sha AND kind = :kind AND expires_at > :now RETURNING tenant_id",
        sha=digest(link),
        kind=LINK,
        now=ms(now),
    )
    return None if tenant_id is None else int(tenant_id)


def begin(conn: Connection, tenant_id: int, session: str, now: datetime) -> datetime:
    """Begin a session and return its end. If the tenant has more than MOST_SESSIONS, the oldest ones end."""
    _add(conn, tenant_id, SESSION, session, now, now + SESSION_LIFE)
    conn.run(
        "DELETE FROM app_tokens WHERE tenant_id = :id AND kind = :kind AND sha256 NOT IN (SELECT sha256 FROM app_tokens"
        " WHERE tenant_id = :id AND kind = :kind ORDER BY made_at DESC, sha256 LIMIT :n)",
        id=tenant_id,
        kind=SESSION,
        n=MOST_SESSIONS,
    )
    return now + SESSION_LIFE


def owner(conn: Connection, secret: str, kind: str, now: datetime) -> int | None:
    """Return the tenant of a link or a session that has not expired."""
    found = row(
        conn,
        "SELECT tenant_id FROM app_tokens WHERE sha256 = :sha AND kind = :kind AND expires_at > :now",
        sha=digest(secret),
        kind=kind,
        now=ms(now),
    )
    return None if found is None else int(found["tenant_id"])


def end_all(conn: Connection, tenant_id: int) -> int:
    """End every link and session of a tenant; return their number."""
    return conn.run("DELETE FROM app_tokens WHERE tenant_id = :id", id=tenant_id)


def everything(conn: Connection, tenant_id: int) -> list[dict[str, Any]]:
    """Return the tenant's links and sessions without their hashes."""
    rows = conn.rows("SELECT * FROM app_tokens WHERE tenant_id = :id ORDER BY made_at, sha256", id=tenant_id)
    return [
        {"kind": each["kind"], "made_at": moment(each["made_at"]), "expires_at": moment(each["expires_at"])}
        for each in rows
    ]


def _add(conn: Connection, tenant_id: int, kind: str, secret: str, now: datetime, end: datetime) -> None:
    """Store a secret, and delete those that have expired."""
    conn.run("DELETE FROM app_tokens WHERE expires_at <= :now", now=ms(now))
    conn.run(
        "INSERT INTO app_tokens (sha256, tenant_id, kind, made_at, expires_at)"
        " VALUES (:sha, :tenant, :kind, :now, :end)",
        sha=digest(secret),
        tenant=tenant_id,
        kind=kind,
        now=ms(now),
        end=ms(end),
    )
