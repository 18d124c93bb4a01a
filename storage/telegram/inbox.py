"""The inbox: Telegram's updates, stored before they are confirmed and handled once, in order per chat."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from storage.database.connection import Connection, Row, for_update, moment, ms, row

CHAT, NOW = "chat", "now"
_UNDONE = "+bot_id = :bot AND state <> 'done'"
"""SQL that uses the small index of undone updates. Without the plus sign SQLite would read all updates of the bot."""


OwnClaim: TypeAlias = tuple[int, int, str, str, int]
"""An unfinished claim of this process: id, epoch, chat key, lane, update id."""


@dataclass(frozen=True, slots=True)
class IncomingUpdate:
    """An update as received. Lane `chat`: handled in the order of its chat; lane `now`: handled at once."""

    update_id: int
    chat_key: str
    lane: str
    payload: str


@dataclass(frozen=True, slots=True)
class WaitingUpdate:
    """A stored update that no process is handling."""

    chat_key: str
    lane: str
    update_id: int


@dataclass(frozen=True, slots=True)
class ClaimedUpdate:
    """An update claimed by this process. Only the claim with the newest epoch may finish it."""

    id: int
    update_id: int
    chat_key: str
    payload: str
    epoch: int
    received_at: datetime
    rest: "tuple[ClaimedUpdate, ...]" = ()  # further updates that are answered together with this one


def store(conn: Connection, bot_id: int, updates: Sequence[IncomingUpdate], now: datetime) -> list[IncomingUpdate]:
    """Store updates and return those that were not stored before."""
    return [
        update
        for update in updates
        if conn.run(
            "INSERT INTO inbox (bot_id, update_id, chat_key, lane, payload, state, epoch, received_at)"
            " VALUES (:bot, :update, :chat, :lane, :payload, 'new', 0, :now)"
            " ON CONFLICT (bot_id, update_id) DO NOTHING",
            bot=bot_id,
            update=update.update_id,
            chat=update.chat_key,
            lane=update.lane,
            payload=update.payload,
            now=ms(now),
        )
    ]


def claim_next(conn: Connection, bot_id: int, chat_key: str, lease_id: str) -> ClaimedUpdate | None:
    """Claim a chat's first unfinished update. Return None while another update of that chat is claimed.

    Telegram may deliver a hundred updates at once in any order; the update ids give the true order.
    """
    of_chat = f"FROM inbox WHERE {_UNDONE} AND chat_key = :chat AND lane = 'chat'"
    unfinished = f"SELECT * {of_chat} ORDER BY update_id LIMIT 1"
    first = row(conn, unfinished + for_update(conn), bot=bot_id, chat=chat_key)
    if first is None or first["state"] != "new":
        return None
    # Read after locking the first row, so that a transaction which held that lock has committed.
    if row(conn, f"SELECT 1 AS one {of_chat} AND state = 'claimed' LIMIT 1", bot=bot_id, chat=chat_key):
        return None
    return _claim(conn, first, lease_id)


def has_unfinished(conn: Connection, bot_id: int, chat_key: str) -> bool:
    """Return True if an update of the chat is new or claimed."""
    sql = f"SELECT 1 AS one FROM inbox WHERE {_UNDONE} AND chat_key = :chat LIMIT 1"
    return row(conn, sql, bot=bot_id, chat=chat_key) is not None


def next_in_chat(conn: Connection, bot_id: int, chat_key: str, after: int) -> tuple[int, str] | None:
    """Return the chat's next unclaimed update after `after`, as (update id, payload)."""
    sql = (
        "SELECT update_id, payload FROM inbox WHERE bot_id = :bot AND chat_key = :chat AND lane = 'chat'"
        " AND state = 'new' AND update_id > :after ORDER BY update_id LIMIT 1"
    )
    found = row(conn, sql, bot=bot_id, chat=chat_key, after=after)
    return None if found is None else (found["update_id"], found["payload"])


def claim(conn: Connection, bot_id: int, update_id: int, lease_id: str) -> ClaimedUpdate | None:
    """Claim one update of the `now` lane. Return None if it is claimed or finished."""
    sql = "SELECT * FROM inbox WHERE bot_id = :bot AND update_id = :update AND state = 'new'"
    found = row(conn, sql + for_update(conn), bot=bot_id, update=update_id)
    return None if found is None else _claim(conn, found, lease_id)


def finish(conn: Connection, inbox_id: int, epoch: int, now: datetime) -> bool:
    """Mark an update as done and delete its payload. Return False if a newer epoch has taken over."""
    return bool(
        conn.run(
            "UPDATE inbox SET state = 'done', done_at = :now, payload = '' WHERE id = :id AND epoch = :epoch"
            " AND state = 'claimed'",
            id=inbox_id,
            epoch=epoch,
            now=ms(now),
        )
    )


def finish_all(conn: Connection, claimed: ClaimedUpdate, now: datetime) -> bool:
    """Finish an update, and those answered together with it.

    Return False if a newer epoch has taken over one of them.
    """
    finished = [finish(conn, each.id, each.epoch, now) for each in (claimed, *claimed.rest)]
    return all(finished)


def release(conn: Connection, inbox_id: int, epoch: int) -> bool:
    """Give up a claim, so that the update is handled again. Return False if a newer epoch has taken it over."""
    return bool(
        conn.run(
            "UPDATE inbox SET state = 'new' WHERE id = :id AND epoch = :epoch AND state = 'claimed'",
            id=inbox_id,
            epoch=epoch,
        )
    )


def release_dead(conn: Connection, bot_id: int, is_dead: Callable[[str], bool]) -> int:
    """Give up the claims of dead processes and return the number of updates released."""
    leases = conn.rows(f"SELECT DISTINCT lease_id FROM inbox WHERE {_UNDONE} AND state = 'claimed'", bot=bot_id)
    return sum(
        conn.run(
            f"UPDATE inbox SET state = 'new' WHERE {_UNDONE} AND state = 'claimed' AND lease_id = :lease",
            bot=bot_id,
            lease=lease["lease_id"],
        )
        for lease in leases
        if is_dead(lease["lease_id"])
    )


def claimed_by(conn: Connection, bot_id: int, lease_id: str) -> list[OwnClaim]:
    """Return the unfinished claims of a process, each as (id, epoch, chat key, lane, update id)."""
    rows = conn.rows(
        f"SELECT id, epoch, chat_key, lane, update_id FROM inbox WHERE {_UNDONE} AND state = 'claimed'"
        " AND lease_id = :lease",
        bot=bot_id,
        lease=lease_id,
    )
    return [(each["id"], each["epoch"], each["chat_key"], each["lane"], each["update_id"]) for each in rows]


def waiting(conn: Connection, bot_id: int, before: datetime) -> list[WaitingUpdate]:
    """Return the updates that no process is handling, oldest first; of the new ones, those received until `before`.

    While one update of a chat is claimed, the others of that chat are left out.
    """
    rows = conn.rows(
        f"SELECT chat_key, lane, update_id FROM inbox WHERE {_UNDONE} AND state = 'new'"
        " AND (received_at <= :before OR epoch > 0) AND (lane <> 'chat' OR chat_key NOT IN"
        f" (SELECT chat_key FROM inbox WHERE {_UNDONE} AND state = 'claimed' AND lane = 'chat')) ORDER BY +id",
        bot=bot_id,
        before=ms(before),
    )
    return [WaitingUpdate(found["chat_key"], found["lane"], found["update_id"]) for found in rows]


def may_be_left(conn: Connection, bot_id: int, before: datetime, lease_id: str) -> bool:
    """Return False if `waiting` would find nothing, and no other process has a claim that may have to be released."""
    sql = (
        f"SELECT 1 AS one FROM inbox WHERE {_UNDONE} AND ((state = 'claimed' AND lease_id <> :lease)"
        " OR (state = 'new' AND (received_at <= :before OR epoch > 0))) LIMIT 1"
    )
    return row(conn, sql, bot=bot_id, before=ms(before), lease=lease_id) is not None


def is_claimed_elsewhere(conn: Connection, chat_key: str, lease_id: str) -> bool:
    """Return True if another process is handling an update of the chat."""
    undone = "FROM inbox WHERE chat_key = :chat AND state <> 'done'"
    sql = f"SELECT 1 AS one {undone} AND state = 'claimed' AND lease_id <> :lease LIMIT 1"
    return row(conn, sql, chat=chat_key, lease=lease_id) is not None


def still_claimed(conn: Connection, claims: Mapping[int, tuple[int, object]], lease_id: str) -> set[int]:
    """Return the ids of those claims, given with their epochs, that no other process has taken over."""
    found = (row(conn, "SELECT * FROM inbox WHERE id = :id", id=inbox_id) for inbox_id in claims)
    return {
        each["id"]
        for each in found
        if each is not None
        and each["lease_id"] == lease_id
        and each["epoch"] == claims[each["id"]][0]
        and each["state"] != "new"
    }


def sweep(conn: Connection, before: datetime, limit: int = 1000) -> int:
    """Delete up to `limit` updates that were done before `before`, and return their number."""
    return conn.run(
        "DELETE FROM inbox WHERE id IN (SELECT id FROM inbox WHERE state = 'done' AND done_at < :before LIMIT :n)",
        before=ms(before),
        n=limit,
    )


def _claim(conn: Connection, found: Row, lease_id: str) -> ClaimedUpdate:
    epoch = found["epoch"] + 1
    conn.run(
        "UPDATE inbox SET state = 'claimed', epoch = :epoch, lease_id = :lease WHERE id = :id",
        id=found["id"],
        epoch=epoch,
        lease=lease_id,
    )
    return ClaimedUpdate(
        found["id"],
        found["update_id"],
        found["chat_key"],
        found["payload"],
        epoch,
        moment(found["received_at"]),
    )
