"""Notices to the admins that are not delivered yet. They are stored first, so that a restart loses none."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from storage.alerts.json_values import from_json, to_json
from storage.database.connection import Connection, moment, ms
from storage.tenants import notices

CLAIM = timedelta(seconds=20)
"""The time that a process has to deliver a notice it has claimed; then another process may claim it."""
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(seconds=30)
_MOST_DOUBLINGS = 10
KEPT = timedelta(days=1)
"""The age at which a notice that can't be delivered is given up."""


class Undelivered(Enum):
    """The reason why a message did not arrive: `REFUSED` permanently, or `UNREACHABLE` for now."""

    REFUSED = "refused"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class AdminNotice:
    """A text of the locales with its values. `told`: the admins who have received it, or who can't receive it."""

    id: int
    key: str
    values: dict[str, Any]
    told: frozenset[int]
    tries: int
    made_at: datetime


def queue(conn: Connection, key: str, values: Mapping[str, object], now: datetime, *, told: Iterable[int] = ()) -> None:
    """Store a notice for all admins except those in `told`, who receive it in another way."""
    conn.run(
        "INSERT INTO admin_notices (key, message_values, told, tries, next_at, made_at)"
        " VALUES (:key, :values, :told, 0, :now, :now)",
        key=key,
        told=json.dumps(sorted(told)),
        values=to_json(values),
        now=ms(now),
    )


def queue_once(
    conn: Connection,
    once: str,
    key: str,
    values: Mapping[str, object],
    now: datetime,
    *,
    told: Iterable[int] = (),
) -> bool:
    """Store a notice, unless one was stored under `once` before. Return whether it was stored."""
    is_first = notices.first_time(conn, once, now)
    if is_first:
        queue(conn, key, values, now, told=told)
    return is_first


def claim(conn: Connection, now: datetime, most: int = 20) -> list[AdminNotice]:
    """Return up to `most` due notices, oldest first. No other call returns them for the time CLAIM."""
    found = conn.rows(
        "UPDATE admin_notices SET next_at = :until WHERE id IN"
        " (SELECT id FROM admin_notices WHERE next_at <= :now ORDER BY id LIMIT :most) AND next_at <= :now RETURNING *",
        until=ms(now + CLAIM),
        now=ms(now),
        most=most,
    )
    made = [
        AdminNotice(
            each["id"],
            each["key"],
            from_json(each["message_values"]),
            frozenset(json.loads(each["told"])),
            each["tries"],
            moment(each["made_at"]),
        )
        for each in found
    ]
    return sorted(made, key=lambda each: each.id)


def settle(conn: Connection, notice: AdminNotice, told: frozenset[int], admins: Iterable[int], now: datetime) -> bool:
    """Delete a notice that has reached every admin or is older than KEPT, and return True; else plan its next try."""
    if told >= frozenset(admins) or now - notice.made_at >= KEPT:
        conn.run("DELETE FROM admin_notices WHERE id = :id", id=notice.id)
        return True
    conn.run(
        "UPDATE admin_notices SET told = :told, tries = tries + 1, next_at = :next WHERE id = :id",
        told=json.dumps(sorted(told)),
        next=ms(now + pause(notice.tries)),
        id=notice.id,
    )
    return False


def pause(tries: int, longest: timedelta = LONGEST_PAUSE) -> timedelta:
    """Return the time until the next try after `tries` failed ones."""
    return min(longest, FIRST_PAUSE * (1 << min(tries, _MOST_DOUBLINGS)))
