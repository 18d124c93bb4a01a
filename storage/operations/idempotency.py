"""Idempotency keys: the first answer under a key is stored for a day and returned to each repeated request."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from engine.errors import HoldLost
from storage.database.connection import Connection, ms, row

RETENTION = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Fresh:
    """The key is new, and belongs to this request now."""


@dataclass(frozen=True, slots=True)
class Replay:
    """The stored answer of the first request."""

    status: int
    body: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class InFlight:
    """Another request under this key is still being answered."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The key was used for another body."""


Verdict: TypeAlias = Fresh | Replay | InFlight | Mismatch


def begin(
    conn: Connection,
    tenant_id: int,
    key: str,
    *,
    body_sha256: str,
    lease_id: str,
    holder_is_dead: bool,
    request_id: str,
    now: datetime,
) -> Verdict:
    """Claim the key for this request, or return the state of the request that has it.

    `holder_is_dead`: the process that holds the key has no valid lease any more, so the key may be taken over.
    """
    found = row(conn, "SELECT * FROM idempotency WHERE tenant_id = :t AND key = :key", t=tenant_id, key=key)
    if found is not None and found["created_at"] > ms(now - RETENTION):
        if found["body_sha256"] != body_sha256:
            return Mismatch()
        if found["state"] == "done":
            return Replay(found["status"], found["body"], json.loads(found["headers"]))
        if not holder_is_dead:
            return InFlight()
    taken = conn.run(
        "INSERT INTO idempotency (tenant_id, key, body_sha256, state, lease_id, request_id, status, body, headers,"
        " created_at) VALUES (:t, :key, :sha, 'running', :lease, :request, 0, '', '{}', :now)"
        " ON CONFLICT (tenant_id, key) DO UPDATE SET body_sha256 = excluded.body_sha256, state = 'running',"
        " lease_id = excluded.lease_id, request_id = excluded.request_id, created_at = excluded.created_at"
        " WHERE idempotency.request_id = :seen",
        seen="" if found is None else found["request_id"],
        t=tenant_id,
        key=key,
        sha=body_sha256,
        lease=lease_id,
        request=request_id,
        now=ms(now),
    )
    return Fresh() if taken else InFlight()  # another request took the key between the read and the insert


def holder(conn: Connection, tenant_id: int, key: str) -> str | None:
    """Return the lease of the process that holds this key, or None if it is free or finished."""
    found = row(
        conn,
        "SELECT lease_id FROM idempotency WHERE tenant_id = :t AND key = :key AND state = 'running'",
        t=tenant_id,
        key=key,
    )
    return None if found is None else found["lease_id"]


def finish(
    conn: Connection, tenant_id: int, key: str, request_id: str, status: int, body: str, headers: dict[str, str]
) -> None:
    """Store the answer in the transaction of its capture, so that every charged answer can be repeated.

    Raises HoldLost if another request holds the key by now, so that two answers are never charged under one key.
    """
    stored = conn.run(
        "UPDATE idempotency SET state = 'done', status = :status, body = :body, headers = :headers"
        " WHERE tenant_id = :t AND key = :key AND request_id = :request AND state = 'running'",
        t=tenant_id,
        key=key,
        request=request_id,
        status=status,
        body=body,
        headers=json.dumps(headers),
    )
    if not stored:
        raise HoldLost(request_id)


def drop(conn: Connection, tenant_id: int, key: str, request_id: str) -> None:
    """Free the key of a request that was not charged, unless another request holds the key already."""
    conn.run(
        "DELETE FROM idempotency WHERE tenant_id = :t AND key = :key AND request_id = :request AND state = 'running'",
        t=tenant_id,
        key=key,
        request=request_id,
    )


def sweep(conn: Connection, now: datetime, limit: int = 500) -> int:
    """Delete up to `limit` keys older than RETENTION, and return their number."""
    return conn.run(
        "DELETE FROM idempotency WHERE (tenant_id, key) IN"
        " (SELECT tenant_id, key FROM idempotency WHERE created_at < :then LIMIT :n)",
        then=ms(now - RETENTION),
        n=limit,
    )
