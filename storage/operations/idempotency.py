"""Idempotency keys: the first answer is kept for a day and given again."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from engine.errors import HoldLost
from storage.database.connection import Connection, row
from storage.database.dates import ms

KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Fresh:
    """Nobody asked this before: go on."""


@dataclass(frozen=True, slots=True)
class Replay:
    status: int
    body: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class InFlight:
    """Its twin is still being answered."""


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
    dead: bool,
    request_id: str,
    now: datetime,
) -> Verdict:
    """Take the key, or say what stands under it. `dead`: whoever had it in hand is gone."""
    found = row(conn, "SELECT * FROM idempotency WHERE tenant_id = :t AND key = :key", t=tenant_id, key=key)
    if found is not None and found["created_at"] > ms(now - KEPT):
        if found["body_sha256"] != body_sha256:
            return Mismatch()
        if found["state"] == "done":
            return Replay(found["status"], found["body"], json.loads(found["headers"]))
        if not dead:
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
    return Fresh() if taken else InFlight()  # a twin took it between our look and our writing


def holder(conn: Connection, tenant_id: int, key: str) -> str | None:
    """The lease that has this key in hand."""
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
    """In the capture's transaction: an answer that was paid can be had again.

    Raises HoldLost where another request has the key in hand by now: two answers are never charged under one.
    """
    kept = conn.run(
        "UPDATE idempotency SET state = 'done', status = :status, body = :body, headers = :headers"
        " WHERE tenant_id = :t AND key = :key AND request_id = :request AND state = 'running'",
        t=tenant_id,
        key=key,
        request=request_id,
        status=status,
        body=body,
        headers=json.dumps(headers),
    )
    if not kept:
        raise HoldLost(request_id)


def drop(conn: Connection, tenant_id: int, key: str, request_id: str) -> None:
    """Nothing was charged: the next call under this key is a first one, unless another has it in hand already."""
    conn.run(
        "DELETE FROM idempotency WHERE tenant_id = :t AND key = :key AND request_id = :request AND state = 'running'",
        t=tenant_id,
        key=key,
        request=request_id,
    )


def sweep(conn: Connection, now: datetime, limit: int = 500) -> int:
    return conn.run(
        "DELETE FROM idempotency WHERE (tenant_id, key) IN"
        " (SELECT tenant_id, key FROM idempotency WHERE created_at < :then LIMIT :n)",
        then=ms(now - KEPT),
        n=limit,
    )
