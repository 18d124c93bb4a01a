"""Updates stored before they are confirmed, then handled: in order per chat, payments and buttons at once."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from bot.context import claimed_update
from bot.formatting.markdown import clean
from bot.services import Services
from bot.updates import merging
from storage.database import leases
from storage.database.connection import Connection
from storage.telegram import inbox
from storage.telegram.inbox import CHAT, NOW, ClaimedUpdate, IncomingUpdate

log = logging.getLogger(__name__)
Handle = Callable[[dict[str, Any]], Awaitable[None]]
_MOST_ID = 2**63
MOST_EPOCHS = 50
_SERVICE = ("successful_payment", "refunded_payment")


class Intake:
    """One task per busy chat; updates of the `now` lane have each a task of their own."""

    def __init__(self, services: Services, handle: Handle, careful: Callable[[int], None]) -> None:
        """`careful` hears of each chat that a dead process was answering: nobody knows what it had sent there."""
        self._services, self._handle, self._careful = services, handle, careful
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._rung: set[str] = set()
        self._now_ids: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = self._starts = True

    async def store(self, updates: Sequence[Mapping[str, Any]]) -> None:
        """Committed when it returns; only then may they be confirmed."""
        incoming = [each for update in updates if (each := incoming_of(update)) is not None]
        services = self._services
        fresh = await services.db.write(lambda conn: inbox.store(conn, services.bot_id, incoming, services.clock.now()))
        for update in fresh:
            self._dispatch(update.chat_key, update.lane, update.update_id)

    async def take_up(self) -> int:
        """What a crash left, in the order in which it came; how many. Their chats are written to with care."""
        services = self._services

        def unit(conn: Any) -> tuple[int, list[tuple[str, str, int]]]:
            dead = leases.dead(conn, services.clock.now(), services.lease_id)
            return inbox.release_dead(conn, services.bot_id, dead), inbox.unclaimed(conn, services.bot_id)

        await self._give_back_dropped()
        taken_over, left = await services.db.write(unit)
        for chat_key, lane, update_id in left:
            if (taken_over or self._starts) and lane == CHAT and chat_key not in self._workers:
                self._careful(int(chat_key.partition(":")[0]))
            self._dispatch(chat_key, lane, update_id)
        self._starts = False
        return len(left)

    async def _give_back_dropped(self) -> None:
        """What a worker let fall (a disk was full when it was done) is claimed still, and would close its chat."""
        db, services = self._services.db, self._services
        for inbox_id, epoch, chat_key, lane, update_id in await db.read(
            lambda conn: inbox.claimed_by(conn, services.bot_id, services.lease_id)
        ):
            if (update_id in self._now_ids) if lane == NOW else (chat_key in self._workers):
                continue
            if epoch < MOST_EPOCHS:
                await db.write(partial(inbox.release, inbox_id=inbox_id, epoch=epoch))
            else:
                log.error("update %d was given up: it could not be finished %d times", update_id, epoch)
                await db.write(partial(inbox.finish, inbox_id=inbox_id, epoch=epoch, now=services.clock.now()))

    def close(self) -> None:
        """Take nothing more in hand; what is in hand goes on."""
        self._open = False

    async def finish(self) -> None:
        """Wait for what is in hand."""
        while tasks := [*self._workers.values(), *self._tasks]:
            await asyncio.gather(*tasks, return_exceptions=True)

    def _dispatch(self, chat_key: str, lane: str, update_id: int) -> None:
        if not self._open:
            return
        if lane == NOW:
            self._now_ids.add(update_id)
            task = asyncio.create_task(self._now(update_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif chat_key in self._workers:
            self._rung.add(chat_key)
        else:
            self._workers[chat_key] = asyncio.create_task(self._drain(chat_key), name=f"chat {chat_key}")

    async def _drain(self, chat_key: str) -> None:
        services = self._services
        try:
            while self._open:
                self._rung.discard(chat_key)
                claimed = await services.db.write(
                    lambda conn: inbox.claim_next(conn, services.bot_id, chat_key, services.lease_id)
                )
                if claimed is not None:
                    await self._work(await self._whole(claimed))
                elif chat_key not in self._rung:
                    return
        except Exception:
            log.exception("chat %s could not be drained", chat_key)
        finally:
            del self._workers[chat_key]

    async def _whole(self, claimed: ClaimedUpdate) -> ClaimedUpdate:
        """With what was sent as one and came as several: waited for as long as more may follow."""
        updates, rest = [json.loads(claimed.payload)], list[ClaimedUpdate]()
        while len(updates) < merging.MOST_PARTS and merging.waits(updates[-1]):
            last = rest[-1] if rest else claimed
            age = (self._services.clock.now() - last.received_at).total_seconds()
            await asyncio.sleep(max(0.0, merging.JOIN_SECONDS - age))
            more = await self._services.db.write(partial(self._next, claimed.chat_key, last.update_id, updates[-1]))
            if more is None:
                break
            rest.append(more)
            updates.append(json.loads(more.payload))
        return replace(claimed, payload=merging.joined(updates), rest=tuple(rest)) if rest else claimed

    def _next(self, chat_key: str, after: int, last: Mapping[str, Any], conn: Connection) -> ClaimedUpdate | None:
        services = self._services
        found = inbox.next_in_chat(conn, services.bot_id, chat_key, after)
        if found is None or not merging.belongs(last, json.loads(found[1])):
            return None
        return inbox.claim(conn, services.bot_id, found[0], services.lease_id)

    async def _now(self, update_id: int) -> None:
        services = self._services
        try:
            claimed = await services.db.write(
                lambda conn: inbox.claim(conn, services.bot_id, update_id, services.lease_id)
            )
            if claimed is not None:
                await self._work(claimed)
        except Exception:
            log.exception("update %d could not be finished", update_id)
        finally:
            self._now_ids.discard(update_id)

    async def _work(self, claimed: ClaimedUpdate) -> None:
        """Handle it and mark it done, unless its handler did, or has given it back to the next start."""
        services = self._services
        token = claimed_update.set(claimed)
        try:
            await self._handle(json.loads(claimed.payload))
        except Exception:
            log.exception("update %d could not be handled", claimed.update_id)
        finally:
            claimed_update.reset(token)
        await services.db.write(lambda conn: inbox.finish_all(conn, claimed, services.clock.now()))


def number_of(update: object) -> int | None:
    """The update's id; None for what is no update."""
    number = update.get("update_id") if isinstance(update, Mapping) else None
    return number if isinstance(number, int) and 0 <= number < _MOST_ID else None


def incoming_of(update: Mapping[str, Any]) -> IncomingUpdate | None:
    """As it is stored; None for what is no update: one that can't be stored would keep all after it away."""
    number = number_of(update)
    if number is None:
        log.warning("something came that is no update, and was left")
        return None
    payload = _json(update)
    if not payload.isascii() or "\\u0000" in payload:
        payload = _json(_clean(update))
    message = update.get("message")
    chat = message.get("chat") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(chat, dict):
        return IncomingUpdate(number, "", NOW, payload)
    thread = message.get("message_thread_id", 0) if message.get("is_topic_message") else 0
    return IncomingUpdate(number, f"{chat.get('id', 0)}:{thread}", _lane(message), payload)


def _json(update: object) -> str:
    return json.dumps(update, ensure_ascii=False, separators=(",", ":"))


def _clean(value: Any) -> Any:
    """The same with no text in it that a database refuses."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {name: _clean(each) for name, each in value.items()}
    return [_clean(each) for each in value] if isinstance(value, list) else value


def _lane(message: Mapping[str, Any]) -> str:
    if any(field in message for field in _SERVICE):
        return NOW
    word = str(message.get("text", "")).split(maxsplit=1)[:1]
    return NOW if word and word[0].partition("@")[0] == "/stop" else CHAT
