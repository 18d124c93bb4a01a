"""Messages about incidents: one message to each admin that grows, and one reply that reports the recovery.

A failure that returns within `reopen_seconds` belongs to the same incident: both messages are edited, none is sent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeAlias

from locales.button import Button
from scheduler.context import JobContext
from scheduler.ports import Sent
from storage.database.connection import Connection
from storage.operations import incidents
from storage.operations.incidents import Incident

IncidentFacts: TypeAlias = dict[str, Any]
"""The values of an incident's message, as they are stored with the incident."""

FIRST_FACTS = ("since", "share", "returned", "replies")
"""Facts that a growing incident keeps from before."""


@dataclass(frozen=True, slots=True)
class Alert:
    """The texts of an incident.

    `values` makes the message's values from the facts, `buttons` its buttons from the incident's number.
    """

    kind: str
    subject: str
    key: str
    recovery_key: str
    values: Callable[[IncidentFacts], Mapping[str, object]] = dict
    buttons: Callable[[int], tuple[Button, ...]] = lambda _: ()


async def report(context: JobContext, alert: Alert, facts: IncidentFacts, now: datetime) -> None:
    """Open the incident, update the open one, or reopen one that was resolved within `reopen_seconds`."""
    known = await context.db.read(lambda conn: incidents.find_open(conn, alert.kind, alert.subject))
    if known is not None:
        await _update(context, alert, known, facts, now)
        return
    since = now - timedelta(seconds=context.reopen_seconds)
    earlier = await context.db.read(lambda conn: incidents.latest_closed(conn, alert.kind, alert.subject, since))
    if earlier is not None:
        await _reopen(context, alert, earlier, facts, now)
        return
    number = await context.db.write(lambda conn: incidents.begin(conn, alert.kind, alert.subject, facts, now))
    if number is not None:  # None: another process opened it first, and sends the message
        await _send(context, alert, number, facts)


async def resolve(context: JobContext, alert: Alert, values: Mapping[str, object], now: datetime) -> None:
    """Close the incident and reply to its messages; the reply of a reopened incident is edited."""
    known = await context.db.read(lambda conn: incidents.find_open(conn, alert.kind, alert.subject))
    if known is None or not await context.db.write(lambda conn: incidents.close(conn, known.id, now)):
        return
    replies = _replies(known)
    for reply in replies:
        await context.notifier.edit(reply, alert.recovery_key, values)
    if replies:
        await _edit(context, alert, known, known.facts)
        return
    made = [await context.notifier.reply(sent, alert.recovery_key, values) for sent in known.sent]
    facts = {**known.facts, "replies": [list(one) for one in made if one is not None]}
    await context.db.write(lambda conn: incidents.update(conn, known.id, facts, now))


async def close_silently(context: JobContext, kind: str, subject: str, now: datetime) -> None:
    """Close the incident without a message: another incident of the same subject goes on."""
    known = await context.db.read(lambda conn: incidents.find_open(conn, kind, subject))
    if known is not None:
        await context.db.write(lambda conn: incidents.close(conn, known.id, now))


async def _update(context: JobContext, alert: Alert, known: Incident, facts: IncidentFacts, now: datetime) -> None:
    facts = _with_first_facts(known, facts)
    if not known.sent:  # the process that opened it died before it sent the message
        await _send(context, alert, known.id, facts)
        return
    if facts == known.facts:
        return
    await context.db.write(lambda conn: incidents.update(conn, known.id, facts, now))
    if now >= known.muted_until:
        await _edit(context, alert, known, facts)


async def _reopen(context: JobContext, alert: Alert, earlier: Incident, facts: IncidentFacts, now: datetime) -> None:
    facts = {**_with_first_facts(earlier, facts), "returned": earlier.facts.get("returned", 0) + 1}
    if not await context.db.write(partial(_open_again, incident_id=earlier.id, facts=facts, now=now)):
        return
    if now >= earlier.muted_until:
        await _edit(context, alert, earlier, facts)
    for reply in _replies(earlier):
        await context.notifier.edit(reply, "alert.relapsed", {"subject": alert.subject})


def _open_again(conn: Connection, incident_id: int, facts: IncidentFacts, now: datetime) -> bool:
    if not incidents.reopen(conn, incident_id):
        return False
    incidents.update(conn, incident_id, facts, now)
    return True


async def _send(context: JobContext, alert: Alert, number: int, facts: IncidentFacts) -> None:
    sent = await context.notifier.notify_admins(alert.key, alert.values(facts), alert.buttons(number))
    await context.db.write(lambda conn: incidents.remember_sent(conn, number, sent))


async def _edit(context: JobContext, alert: Alert, known: Incident, facts: IncidentFacts) -> None:
    for sent in known.sent:
        await context.notifier.edit(sent, alert.key, alert.values(facts), alert.buttons(known.id))


def _with_first_facts(known: Incident, facts: IncidentFacts) -> IncidentFacts:
    return {**facts, **{name: known.facts[name] for name in FIRST_FACTS if name in known.facts}}


def _replies(known: Incident) -> list[Sent]:
    return [(chat, message) for chat, message in known.facts.get("replies", [])]
