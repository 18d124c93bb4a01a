"""Facts that replicas exchange: a short journal, and PostgreSQL's NOTIFY to wake the readers."""

import json
from dataclasses import dataclass
from typing import Any

from storage.database.connection import Connection

CHANNEL = "farthing_facts"
_NOW = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"


@dataclass(frozen=True, slots=True)
class SharedFacts:
    """The facts that one process has sent at one time, by kind. `age_seconds` is by the server's clock."""

    id: int
    lease_id: str
    facts: dict[str, Any]
    age_seconds: float


def tell(conn: Connection, lease_id: str, facts: dict[str, Any]) -> None:
    """Store facts, and wake the listening processes when the transaction is committed."""
    conn.run(
        f"INSERT INTO shared_facts (lease_id, payload, at) VALUES (:lease, :facts, {_NOW})",
        lease=lease_id,
        facts=json.dumps(facts, separators=(",", ":")),
    )
    conn.rows("SELECT pg_notify(:channel, '')", channel=CHANNEL)


def told(conn: Connection, lease_id: str, within_seconds: float) -> list[SharedFacts]:
    """Return the facts that other processes sent in the last seconds, oldest first.

    Ids may be committed out of order, so the caller must remember which ones it has seen.
    """
    rows = conn.rows(
        f"SELECT id, lease_id, payload, {_NOW} - at AS age FROM shared_facts"
        f" WHERE at > {_NOW} - :window AND lease_id <> :lease ORDER BY id",
        window=round(within_seconds * 1000),
        lease=lease_id,
    )
    return [
        SharedFacts(found["id"], found["lease_id"], json.loads(found["payload"]), max(0, found["age"]) / 1000)
        for found in rows
    ]


def sweep(conn: Connection, older_than_seconds: float) -> int:
    """Delete old facts and return their number."""
    return conn.run(f"DELETE FROM shared_facts WHERE at < {_NOW} - :age", age=round(older_than_seconds * 1000))
