"""States of incidents: open, closed, reopened. `scheduler.publishing` delivers their messages.

A failure that returns within `reopen_seconds` belongs to the same incident.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeAlias

from scheduler.context import JobContext
from storage.alerts import alert_messages, incidents
from storage.alerts.incidents import Incident
from storage.database.connection import Connection

IncidentFacts: TypeAlias = dict[str, Any]
"""The values of an incident's message, as they are stored with the incident."""

FIRST_FACTS = ("since", "share", "returned", "listed")
"""Facts that an incident keeps from its first report when later reports change it."""
RECOVERY = "recovery"
"""The key of the fact with the values of the reply about the end. A closed incident without this fact gets no reply."""

REPLY = "reply"
"""The key of the value of RECOVERY that names another text for the reply."""


async def report(
    context: JobContext,
    kind: str,
    subject: str,
    facts: IncidentFacts,
    now: datetime,
    *,
    grown_from: Incident | None = None,
) -> None:
    """Open the incident, update the open one, or reopen one that was resolved within `reopen_seconds`.

    `grown_from`: an open incident, such as that of one offer, which becomes this one and keeps its message.
    """
    since = now - timedelta(seconds=context.reopen_seconds)
    unit = partial(_report, kind=kind, subject=subject, facts=facts, reopen_since=since, now=now, grown_from=grown_from)
    await context.db.write(unit)


async def resolve(context: JobContext, kind: str, subject: str, recovery: Mapping[str, object], now: datetime) -> None:
    """Close the incident. `recovery`: the values for the reply that reports the end."""

    def close(conn: Connection) -> None:
        known = incidents.find_open(conn, kind, subject)
        if known is not None and incidents.close(conn, known.id, now):
            incidents.update(conn, known.id, {**known.facts, RECOVERY: dict(recovery)}, now)

    await context.db.write(close)


async def close_silently(context: JobContext, kind: str, subject: str, now: datetime) -> None:
    """Close the incident without a message, because another incident of the same subject continues."""

    def close(conn: Connection) -> None:
        known = incidents.find_open(conn, kind, subject)
        if known is not None:
            incidents.close(conn, known.id, now)

    await context.db.write(close)


def _report(
    conn: Connection,
    *,
    kind: str,
    subject: str,
    facts: IncidentFacts,
    reopen_since: datetime,
    now: datetime,
    grown_from: Incident | None,
) -> None:
    known = incidents.find_open(conn, kind, subject)
    if known is not None:
        _update(conn, known, facts, now)
        return
    earlier = incidents.latest_closed(conn, kind, subject, min(reopen_since, facts.get("since", reopen_since)))
    if earlier is not None and _was_removed(earlier) and not facts.get("listed", True):
        return  # the failures are those from before it was removed, or soon after that
    if earlier is not None and earlier.closed_at is not None and earlier.closed_at < reopen_since:
        earlier = None
    if earlier is None and grown_from is not None and incidents.grow(conn, grown_from.id, kind, subject):
        incidents.update(conn, grown_from.id, facts, now)
    elif earlier is None:
        incidents.begin(conn, kind, subject, facts, now)
    elif incidents.reopen(conn, earlier.id):
        returned = {"returned": earlier.facts.get("returned", 0) + 1}
        incidents.update(conn, earlier.id, {**_with_first_facts(earlier, facts), **returned}, now)
        alert_messages.retry_of(conn, earlier.id)


def _was_removed(incident: Incident) -> bool:
    """Return whether the incident ended because its provider or offer was taken out of the configuration."""
    return REPLY in incident.facts.get(RECOVERY, {})


def _update(conn: Connection, known: Incident, facts: IncidentFacts, now: datetime) -> None:
    facts = _with_first_facts(known, facts)
    if facts != known.facts:
        incidents.update(conn, known.id, facts, now)


def _with_first_facts(known: Incident, facts: IncidentFacts) -> IncidentFacts:
    return {**facts, **{name: known.facts[name] for name in FIRST_FACTS if name in known.facts}}
