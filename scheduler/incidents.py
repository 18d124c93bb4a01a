"""Telling: an incident is one message to each admin that grows, and one reply that says how it ended.

What returns within `reopen_seconds` is the same incident: both messages are edited, nobody is told anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from locales.button import Button
from scheduler.context import JobContext
from scheduler.ports import Sent
from storage.database.connection import Connection
from storage.operations import incidents
from storage.operations.incidents import Incident

Facts = dict[str, Any]
LASTING = ("since", "share")
"""Facts of the beginning: an incident that grows keeps them."""


@dataclass(frozen=True, slots=True)
class Story:
    """How an incident is told: `words` makes the text's values of its facts, `buttons` of its number."""

    kind: str
    subject: str
    key: str
    back_key: str
    words: Callable[[Facts], Mapping[str, object]] = dict
    buttons: Callable[[int], tuple[Button, ...]] = lambda _: ()


async def happens(desk: JobContext, story: Story, facts: Facts, now: datetime) -> None:
    """Open it, let it grow, or open it again."""
    known = await desk.db.read(lambda conn: incidents.find_open(conn, story.kind, story.subject))
    if known is not None:
        await _grow(desk, story, known, facts, now)
        return
    since = now - timedelta(seconds=desk.reopen_seconds)
    earlier = await desk.db.read(lambda conn: incidents.latest_closed(conn, story.kind, story.subject, since))
    if earlier is not None:
        await _reopen(desk, story, earlier, facts, now)
        return
    number = await desk.db.write(lambda conn: incidents.begin(conn, story.kind, story.subject, facts, now))
    if number is not None:  # else another clock was faster, and tells
        await _send(desk, story, number, facts)


async def is_over(desk: JobContext, story: Story, values: Mapping[str, object], now: datetime) -> None:
    """Close it and say so, as a reply; the reply of an incident that had returned is edited."""
    known = await desk.db.read(lambda conn: incidents.find_open(conn, story.kind, story.subject))
    if known is None or not await desk.db.write(lambda conn: incidents.close(conn, known.id, now)):
        return
    replies = _replies(known)
    for reply in replies:
        await desk.notifier.edit(reply, story.back_key, values)
    if replies:
        await _edit(desk, story, known, known.facts)
        return
    made = [await desk.notifier.reply(sent, story.back_key, values) for sent in known.sent]
    facts = {**known.facts, "replies": [list(one) for one in made if one is not None]}
    await desk.db.write(lambda conn: incidents.update(conn, known.id, facts, now))


async def is_superseded(desk: JobContext, kind: str, subject: str, now: datetime) -> None:
    """Another incident tells the rest of the story: this one ends without a word."""
    known = await desk.db.read(lambda conn: incidents.find_open(conn, kind, subject))
    if known is not None:
        await desk.db.write(lambda conn: incidents.close(conn, known.id, now))


async def _grow(desk: JobContext, story: Story, known: Incident, facts: Facts, now: datetime) -> None:
    facts = _with_the_beginning(known, facts)
    if not known.sent:  # whoever opened it died before it could tell
        await _send(desk, story, known.id, facts)
        return
    if facts == known.facts:
        return
    await desk.db.write(lambda conn: incidents.update(conn, known.id, facts, now))
    if now >= known.muted_until:
        await _edit(desk, story, known, facts)


async def _reopen(desk: JobContext, story: Story, earlier: Incident, facts: Facts, now: datetime) -> None:
    facts = {**_with_the_beginning(earlier, facts), "returned": earlier.facts.get("returned", 0) + 1}
    if not await desk.db.write(partial(_open_again, incident_id=earlier.id, facts=facts, now=now)):
        return
    if now >= earlier.muted_until:
        await _edit(desk, story, earlier, facts)
    for reply in _replies(earlier):
        await desk.notifier.edit(reply, "alert.relapsed", {"subject": story.subject})


def _open_again(conn: Connection, incident_id: int, facts: Facts, now: datetime) -> bool:
    if not incidents.reopen(conn, incident_id):
        return False
    incidents.update(conn, incident_id, facts, now)
    return True


async def _send(desk: JobContext, story: Story, number: int, facts: Facts) -> None:
    sent = await desk.notifier.tell_admins(story.key, story.words(facts), story.buttons(number))
    await desk.db.write(lambda conn: incidents.remember_sent(conn, number, sent))


async def _edit(desk: JobContext, story: Story, known: Incident, facts: Facts) -> None:
    for sent in known.sent:
        await desk.notifier.edit(sent, story.key, story.words(facts), story.buttons(known.id))


def _with_the_beginning(known: Incident, facts: Facts) -> Facts:
    """What only the beginning knows, and what we keep there ourselves."""
    kept = {name: known.facts[name] for name in (*LASTING, "returned", "replies") if name in known.facts}
    return {**facts, **kept}


def _replies(known: Incident) -> list[Sent]:
    return [(chat, message) for chat, message in known.facts.get("replies", [])]
