"""Notices to tenants that are not delivered yet. Each is stored in the transaction that decides to send it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from storage.alerts.admin_notices import CLAIM, KEPT, pause
from storage.alerts.json_values import from_json, to_json
from storage.database.connection import Connection, Row, moment, moment_or_none, ms
from storage.database.statements import BatchWrite
from storage.tenants import notices

LONGEST_PAUSE = timedelta(minutes=5)
"""The longest time between two tries: longer than for admins, because there may be very many notices to tenants."""
_QUEUE = BatchWrite(
    "INSERT INTO tenant_notices (user_id, key, message_values, buttons, tries, next_at, made_at)"
    " SELECT :user, :key, :values, :buttons, 0, :now, :now WHERE true",
    "user",
    "key text",
    "values text",
    "buttons text",
    "now",
)


@dataclass(frozen=True, slots=True)
class TenantNotice:
    """A text of the locales with its values, for one Telegram user. `buttons`: label, command, action, arguments.

    `once`: a name under which only one notice is sent; empty: no such limit.
    """

    user_id: int
    key: str
    values: Mapping[str, object]
    buttons: tuple[tuple[str, ...], ...] = ()
    once: str = ""


@dataclass(frozen=True, slots=True)
class QueuedNotice:
    """A stored notice and its earlier tries."""

    id: int
    notice: TenantNotice
    tries: int
    made_at: datetime


def queue(conn: Connection, found: Iterable[TenantNotice], now: datetime) -> None:
    """Store notices to be delivered."""
    rows = [(each.user_id, each.key, to_json(each.values), json.dumps(each.buttons), ms(now)) for each in found]
    if rows:
        conn.write_batch(_QUEUE, rows)


def queue_once(conn: Connection, found: Sequence[TenantNotice], now: datetime) -> int:
    """Store the notices whose `once` is not recorded yet, and record it. Return their number."""
    new = notices.first_times(conn, [each.once for each in found], now)
    queue(conn, [each for each in found if each.once in new], now)
    return len(new)


def claim(conn: Connection, now: datetime, most: int) -> list[QueuedNotice]:
    """Return up to `most` notices that are due, the longest due first. For CLAIM, no other call returns them."""
    found = conn.rows(
        "UPDATE tenant_notices SET next_at = :until WHERE id IN (SELECT id FROM tenant_notices"
        " WHERE next_at <= :now ORDER BY next_at, id LIMIT :most) AND next_at <= :now RETURNING *",
        until=ms(now + CLAIM),
        now=ms(now),
        most=most,
    )
    return sorted(map(_stored, found), key=lambda each: each.id)


def delete(conn: Connection, queued: QueuedNotice) -> None:
    """Delete a notice that has arrived, or that its reader can't get."""
    conn.run("DELETE FROM tenant_notices WHERE id = :id", id=queued.id)


def put_off(conn: Connection, queued: QueuedNotice, now: datetime) -> bool:
    """Plan the next try, and return True. A notice older than KEPT is deleted: False."""
    if now - queued.made_at >= KEPT:
        delete(conn, queued)
        return False
    conn.run(
        "UPDATE tenant_notices SET tries = tries + 1, next_at = :next WHERE id = :id",
        next=ms(now + pause(queued.tries, LONGEST_PAUSE)),
        id=queued.id,
    )
    return True


def waiting(conn: Connection) -> tuple[int, datetime | None]:
    """Return the number of notices that are not delivered yet, and the time at which the oldest was stored."""
    (found,) = conn.rows("SELECT count(*) AS n, min(made_at) AS oldest FROM tenant_notices")
    return found["n"], moment_or_none(found["oldest"])


def everything(conn: Connection, user_id: int) -> list[dict[str, Any]]:
    """Return the notices that wait for a user, for the export of personal data."""
    rows = conn.rows("SELECT * FROM tenant_notices WHERE user_id = :user ORDER BY id", user=user_id)
    return [
        {"notice": each.notice.key, "values": each.notice.values, "made_at": each.made_at}
        for each in map(_stored, rows)
    ]


def forget(conn: Connection, user_id: int) -> None:
    """Delete the notices that wait for a user."""
    conn.run("DELETE FROM tenant_notices WHERE user_id = :user", user=user_id)


def _stored(found: Row) -> QueuedNotice:
    buttons = tuple(tuple(each) for each in json.loads(found["buttons"]))
    notice = TenantNotice(found["user_id"], found["key"], from_json(found["message_values"]), buttons)
    return QueuedNotice(found["id"], notice, found["tries"], moment(found["made_at"]))
