"""Delivery of the messages about incidents: keeps each admin's chat in agreement with the incidents.

An incident is one message to each admin, edited as it grows, and one reply that reports its end. Outages that begin
together share a message. A delivery that fails is tried again by the next run, in any process. An incident that ends
before its first message could be delivered is one message in the past tense, without a reply.
"""

import hashlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from locales.button import Button
from locales.formats import as_code
from scheduler.alert_kinds import KINDS, AlertKind, hands, past_text, rank
from scheduler.context import JobContext
from scheduler.incidents import RECOVERY, REPLY
from scheduler.outage_facts import OUTAGE_KINDS
from storage.alerts import alert_messages, incidents
from storage.alerts.admin_notices import Undelivered
from storage.alerts.alert_messages import AlertMessage, unsent
from storage.alerts.incidents import Incident
from storage.alerts.json_values import to_json
from storage.database.connection import Connection, moment, ms

PUBLISHED = timedelta(days=1)
"""The time after an incident's end within which its last messages are still delivered."""
FIGURES_SHARE, FIGURES_MOST = 5, timedelta(minutes=1)
"""A message is edited for its figures alone after a fifth of its incident's age, and after a minute at the latest."""
TOGETHER = 3
"""The number of outages beginning together from which they share one message."""


@dataclass(frozen=True, slots=True)
class _Text:
    """A text of the locales with its values and buttons.

    `digest` changes if one of them does, `wording` only if more than numbers, amounts and times does.
    """

    key: str
    values: Mapping[str, object]
    buttons: tuple[Button, ...] = ()

    @property
    def digest(self) -> str:
        return self._digest_of(self.values)

    @property
    def wording(self) -> str:
        return self._digest_of(_without_figures(self.values))

    def shown(self, now: datetime) -> str:
        """Return what is stored of a message that shows this text since `now`."""
        return f"{self.digest} {self.wording} {ms(now)}"

    def _digest_of(self, values: object) -> str:
        said = to_json({"key": self.key, "values": values, "buttons": [each.args for each in self.buttons]})
        return hashlib.sha256(said.encode()).hexdigest()[:16]


def _without_figures(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _without_figures(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_without_figures(each) for each in value]
    return value if isinstance(value, str | bool) else None


async def publish(context: JobContext, now: datetime) -> None:
    """Send, edit and reply so that every admin has the current state of every incident."""
    async with context.publishing:
        found = await context.db.read(partial(incidents.to_publish, closed_since=now - PUBLISHED))
        known = [each for each in found if each.kind in KINDS]
        for admin in context.notifier.admins:
            await _publish_to(context, admin, known, now)


async def _publish_to(context: JobContext, admin: int, known: Sequence[Incident], now: datetime) -> None:
    """Update the messages that the admin has, then send the new ones; stop if Telegram can't be reached.

    The rest is then tried by the next run, instead of waiting longer with each failure.
    """
    read = partial(alert_messages.of_admin, admin=admin, incidents=[each.id for each in known])
    messages = await context.db.read(read)
    if not await _bring_up_to_date(context, admin, known, messages, now):
        return
    groups = _grouped([each for each in known if _is_unsent(each, messages.get(each.id))])
    for group in groups:
        if not await _send(context, admin, group, messages, now):
            return
    new = [each for group in groups for each in group]
    await _bring_up_to_date(context, admin, new, await context.db.read(read) if new else {}, now)


async def _bring_up_to_date(
    context: JobContext, admin: int, known: Sequence[Incident], messages: Mapping[int, AlertMessage], now: datetime
) -> bool:
    """Edit and reply. Return False if Telegram can't be reached."""
    await _edit_all(context, admin, known, messages, now)
    for each in known:
        message = messages.get(each.id)
        is_here = message is not None and message.message is not None and not message.is_lost
        if is_here and message is not None and not await _reply(context, each, message, now):
            return False
    return True


def _is_unsent(incident: Incident, message: AlertMessage | None) -> bool:
    """Return whether a message is due. An incident that was closed silently before its report gets none."""
    if message is not None and (message.message is not None or message.is_lost):
        return False
    return incident.closed_at is None or RECOVERY in incident.facts


def _grouped(new: Sequence[Incident]) -> list[list[Incident]]:
    """Return the incidents grouped by message, most severe first. TOGETHER or more new outages share one message."""
    outages = [each for each in new if each.kind in OUTAGE_KINDS]
    if len(outages) < TOGETHER:
        return [[each] for each in sorted(new, key=rank)]
    others = sorted((each for each in new if each.kind not in OUTAGE_KINDS), key=rank)
    grave = [[each] for each in others if rank(each) < rank(outages[0])]
    return [*grave, outages, *([each] for each in others if rank(each) >= rank(outages[0]))]


async def _send(
    context: JobContext, admin: int, group: Sequence[Incident], messages: Mapping[int, AlertMessage], now: datetime
) -> bool:
    """Send the message of these incidents. Return False if Telegram can't be reached."""

    def claim(conn: Connection) -> list[Incident]:
        return [each for each in group if alert_messages.claim(conn, each.id, admin, now)]

    mine = await context.db.write(claim)
    if not mine:
        return True
    past = {each.id for each in mine if each.closed_at is not None}
    text = _text_of(mine, past)
    sent = await context.notifier.deliver(admin, text.key, text.values, text.buttons)

    def settle(conn: Connection) -> None:
        for each in mine:
            if sent is Undelivered.UNREACHABLE:
                alert_messages.failed(conn, messages.get(each.id) or unsent(each.id, admin), now)
            elif isinstance(sent, Undelivered):
                alert_messages.lost(conn, each.id, admin)
            else:
                alert_messages.sent(conn, each.id, admin, sent[1], text.shown(now))
                if each.id in past:
                    alert_messages.replied(conn, each.id, admin, sent[1], text.digest)

    await context.db.write(settle)
    return sent is not Undelivered.UNREACHABLE


async def _edit_all(
    context: JobContext, admin: int, known: Sequence[Incident], messages: Mapping[int, AlertMessage], now: datetime
) -> None:
    """Edit each message whose incidents have changed, except while all of them are muted."""
    shared: dict[int, list[Incident]] = {}
    for each in known:
        message = messages.get(each.id)
        if message is not None and message.message is not None and not message.is_lost:
            shared.setdefault(message.message, []).append(each)
    for number, group in shared.items():
        text = _text_of(group, {each.id for each in group if _is_past(each, messages[each.id])})
        shown = {messages[each.id].shown for each in group}
        if not any(_is_edit_due(group, each, text, now) for each in shown):
            continue
        if all(now < each.muted_until for each in group):
            continue
        if await context.notifier.edit((admin, number), text.key, text.values, text.buttons):
            store = partial(_store_shown, admin=admin, number=number, group=group, shown=text.shown(now))
            await context.db.write(store)


def _is_edit_due(group: Sequence[Incident], shown: str, text: _Text, now: datetime) -> bool:
    """Return whether the message must be edited. Growing figures alone change it seldom, the less the older it is."""
    digest, _, rest = shown.partition(" ")
    wording, _, edited_ms = rest.partition(" ")
    if digest == text.digest:
        return False
    if wording != text.wording or any(each.closed_at is not None for each in group):
        return True
    age = now - max(each.opened_at for each in group)
    return abs(now - moment(int(edited_ms))) >= min(age / FIGURES_SHARE, FIGURES_MOST)


def _store_shown(conn: Connection, *, admin: int, number: int, group: Sequence[Incident], shown: str) -> None:
    for each in group:
        alert_messages.sent(conn, each.id, admin, number, shown)


def _is_past(incident: Incident, message: AlertMessage) -> bool:
    """Return whether the message says that the incident has ended, so that it needs no reply."""
    return incident.closed_at is not None and message.tells_the_end


async def _reply(context: JobContext, incident: Incident, message: AlertMessage, now: datetime) -> bool:
    """Reply that the incident has ended. If it returns, edit the reply, and edit it again at the next end.

    Return False if Telegram can't be reached.
    """
    if message.tells_the_end:
        if incident.closed_at is None:  # it returned: its next end gets a reply
            await context.db.write(partial(alert_messages.forget_reply, incident=incident.id, admin=message.admin))
        return True
    text = _reply_text(incident, message)
    if text is None or text.digest == message.reply_shown or message.message is None:
        return True
    if message.reply is not None:
        if await context.notifier.edit((message.admin, message.reply), text.key, text.values):
            await _store_reply(context, message, message.reply, text)
        return True
    if not await context.db.write(partial(alert_messages.claim, incident=incident.id, admin=message.admin, now=now)):
        return True
    sent = await context.notifier.deliver(message.admin, text.key, text.values, reply_to=message.message)
    if sent is Undelivered.UNREACHABLE:
        await context.db.write(partial(alert_messages.failed, known=message, now=now))
    elif isinstance(sent, Undelivered):
        await context.db.write(partial(alert_messages.lost, incident=incident.id, admin=message.admin))
    else:
        await _store_reply(context, message, sent[1], text)
    return sent is not Undelivered.UNREACHABLE


async def _store_reply(context: JobContext, message: AlertMessage, reply: int, text: _Text) -> None:
    store = partial(
        alert_messages.replied, incident=message.incident, admin=message.admin, reply=reply, shown=text.digest
    )
    await context.db.write(store)


def _reply_text(incident: Incident, message: AlertMessage) -> _Text | None:
    kind = KINDS[incident.kind]
    if incident.closed_at is None:
        return None if message.reply is None else _Text("alert.relapsed", {"subject": incident.subject})
    recovery = incident.facts.get(RECOVERY)
    return None if recovery is None else _Text(recovery.get(REPLY, kind.recovery_key), recovery)


def _text_of(group: Sequence[Incident], past: AbstractSet[int]) -> _Text:
    """Return the text of the message that these incidents share; those in `past` have ended."""
    texts = [_past(each) if each.id in past else _single(KINDS[each.kind], each) for each in group]
    if len(texts) == 1:
        return texts[0]
    sections = [line for text in texts for line in ({"key": text.key, "values": text.values}, "")][:-1]
    going_on = [each for each in group if each.id not in past]
    ids = tuple(str(each.id) for each in going_on[:MOST_MUTED])
    buttons = hands(ids, acknowledged=all(each.acknowledged for each in going_on)) if ids else ()
    return _Text("alert.group", {"sections": sections}, (*buttons, Button("alert.providers", "providers", "list")))


MOST_MUTED = 6
"""The incidents that one button mutes or acknowledges: Telegram allows 64 bytes for a button's data."""


def _past(incident: Incident) -> _Text:
    key, values = past_text(incident)
    return _Text(key, values)


def _single(kind: AlertKind, incident: Incident) -> _Text:
    said = _Text(kind.key, kind.values(incident.facts), kind.buttons(incident))
    if not incident.acknowledged_by:
        return said
    text = {"key": said.key, "values": said.values}
    return _Text("alert.with_hand", {"text": text, "name": as_code(incident.acknowledged_by)}, said.buttons)
