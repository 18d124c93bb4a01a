"""Incidents: at most one is open per kind and subject."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.alerts.json_values import from_json, to_json
from storage.database.connection import Connection, Row, moment, moment_or_none, ms, row, scalar


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident with the facts that its message shows. `acknowledged_by`: the operator who takes care of it."""

    id: int
    kind: str
    subject: str
    opened_at: datetime
    seen_at: datetime
    closed_at: datetime | None
    muted_until: datetime
    acknowledged: bool
    facts: dict[str, Any]
    acknowledged_by: str = ""


def find_open(conn: Connection, kind: str, subject: str) -> Incident | None:
    """Return the open incident of this kind and subject, or None if there is none."""
    return _one(conn, "kind = :kind AND subject = :subject AND state = 'open'", kind=kind, subject=subject)


def latest_closed(conn: Connection, kind: str, subject: str, since: datetime) -> Incident | None:
    """Return the latest incident of this kind and subject that was closed at `since` or later."""
    return _one(
        conn,
        "kind = :kind AND subject = :subject AND state = 'closed' AND closed_at >= :since",
        kind=kind,
        subject=subject,
        since=ms(since),
    )


def begin(conn: Connection, kind: str, subject: str, facts: dict[str, Any], now: datetime) -> int | None:
    """Open an incident and return its id; None if one is open already, so that another process reports it."""
    made = scalar(
        conn,
        "INSERT INTO incidents (kind, subject, state, opened_at, seen_at, muted_until, acknowledged, facts)"
        " VALUES (:kind, :subject, 'open', :now, :now, 0, :no, :facts)"
        " ON CONFLICT (kind, subject) WHERE state = 'open' DO NOTHING RETURNING id",
        kind=kind,
        subject=subject,
        now=ms(now),
        no=False,
        facts=to_json(facts),
    )
    return None if made is None else int(made)


def update(conn: Connection, incident_id: int, facts: dict[str, Any], now: datetime) -> None:
    """Store the facts of an incident and the time at which it was last seen."""
    conn.run(
        "UPDATE incidents SET facts = :facts, seen_at = :now WHERE id = :id",
        id=incident_id,
        facts=to_json(facts),
        now=ms(now),
    )


def grow(conn: Connection, incident_id: int, kind: str, subject: str) -> bool:
    """Change an open incident to a wider kind and subject. Return False if it is closed."""
    sql = "UPDATE incidents SET kind = :kind, subject = :subject WHERE id = :id AND state = 'open'"
    return bool(conn.run(sql, id=incident_id, kind=kind, subject=subject))


def reopen(conn: Connection, incident_id: int) -> bool:
    """Open a closed incident again. Return False if it is open already."""
    return bool(
        conn.run(
            "UPDATE incidents SET state = 'open', closed_at = NULL WHERE id = :id AND state = 'closed'", id=incident_id
        )
    )


def close(conn: Connection, incident_id: int, now: datetime) -> bool:
    """Close an incident. Return False if it was closed already, so that another process reports it."""
    return bool(
        conn.run(
            "UPDATE incidents SET state = 'closed', closed_at = :now WHERE id = :id AND state = 'open'",
            id=incident_id,
            now=ms(now),
        )
    )


def mute(conn: Connection, incident_ids: Iterable[int], until: datetime) -> None:
    for incident_id in incident_ids:
        conn.run("UPDATE incidents SET muted_until = :until WHERE id = :id", id=incident_id, until=ms(until))


def acknowledge(conn: Connection, incident_ids: Iterable[int], by: str) -> None:
    """Record the operator who takes care of these incidents; an operator recorded before is kept."""
    sql = "UPDATE incidents SET acknowledged = :yes, acknowledged_by = :by WHERE id = :id AND NOT acknowledged"
    for incident_id in incident_ids:
        conn.run(sql, id=incident_id, yes=True, by=by)


def all_open(conn: Connection) -> list[Incident]:
    return [_incident(found) for found in conn.rows("SELECT * FROM incidents WHERE state = 'open' ORDER BY id")]


def to_publish(conn: Connection, closed_since: datetime) -> list[Incident]:
    """Return the incidents whose messages may change: open ones, and those closed after `since`; oldest first."""
    found = conn.rows(
        "SELECT * FROM incidents WHERE state = 'open' OR closed_at >= :since ORDER BY id", since=ms(closed_since)
    )
    return [_incident(each) for each in found]


def opened_in(conn: Connection, start: datetime, end: datetime) -> list[Incident]:
    """Return the incidents opened in [start, end), oldest first."""
    found = conn.rows(
        "SELECT * FROM incidents WHERE opened_at >= :start AND opened_at < :end ORDER BY id",
        start=ms(start),
        end=ms(end),
    )
    return [_incident(each) for each in found]


def _one(conn: Connection, where: str, **values: Any) -> Incident | None:
    found = row(conn, f"SELECT * FROM incidents WHERE {where} ORDER BY id DESC LIMIT 1", **values)
    return None if found is None else _incident(found)


def _incident(found: Row) -> Incident:
    return Incident(
        found["id"],
        found["kind"],
        found["subject"],
        moment(found["opened_at"]),
        moment(found["seen_at"]),
        moment_or_none(found["closed_at"]),
        moment(found["muted_until"]),
        bool(found["acknowledged"]),
        from_json(found["facts"]),
        found["acknowledged_by"],
    )
