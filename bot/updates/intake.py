"""The intake of updates: each is stored before it is confirmed to Telegram, then handled once.

Messages are handled in order per chat; payments, buttons and /stop are handled at once.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from telegram import Update
from telegram.ext import ExtBot

from bot.context import claimed_update
from bot.formatting.markdown import clean
from bot.services import Span
from bot.updates import merging
from engine.ports import Clock
from storage.database import leases
from storage.database.connection import Connection
from storage.database.database import Database
from storage.telegram import inbox
from storage.telegram.inbox import CHAT, NOW, ClaimedUpdate, IncomingUpdate

log = logging.getLogger(__name__)
Handle = Callable[[dict[str, Any]], Awaitable[None]]
MOST_EPOCHS = 50
_FIRST_INVALID_ID = 2**63
_PAYMENT_FIELDS = ("successful_payment", "refunded_payment")
_KINDS = frozenset({"message", "edited_message", "callback_query", "pre_checkout_query", "my_chat_member"})
_LONG_CHARS = merging.NEAR_UNITS // 2  # a character is at most two UTF-16 units


class Intake:
    """Runs one task per busy chat, and one task for each update of the `now` lane."""

    def __init__(
        self, db: Database, bot_id: int, lease_id: str, clock: Clock, handle: Handle, slow_down: Callable[[int], None]
    ) -> None:
        """`slow_down` is called for each chat that a dead process was answering: it may have used up that budget."""
        self._db, self._bot_id, self._lease_id, self._clock = db, bot_id, lease_id, clock
        self._handle, self._slow_down = handle, slow_down
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._has_more: set[str] = set()
        self._now_ids: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = self._starts = True

    async def store(self, updates: Sequence[Mapping[str, Any]]) -> None:
        """Commit the updates and start to handle the new ones. Only afterwards may they be confirmed to Telegram."""
        incoming = [each for update in updates if (each := incoming_of(update)) is not None]
        now = self._clock.now()
        fresh = await self._db.write(lambda conn: inbox.store(conn, self._bot_id, incoming, now))
        for update in fresh:
            self._dispatch(update.chat_key, update.lane, update.update_id)

    async def take_up(self) -> int:
        """Handle the updates that dead processes left, oldest first. Return their number."""

        def unit(conn: Connection) -> tuple[int, list[tuple[str, str, int]]]:
            dead = leases.dead(conn, self._clock.now(), self._lease_id)
            return inbox.release_dead(conn, self._bot_id, dead), inbox.unclaimed(conn, self._bot_id)

        await self._release_unfinished()
        released, left = await self._db.write(unit)
        for chat_key, lane, update_id in left:
            if (released or self._starts) and lane == CHAT and chat_key not in self._workers:
                self._slow_down(int(chat_key.partition(":")[0]))
            self._dispatch(chat_key, lane, update_id)
        self._starts = False
        return len(left)

    async def _release_unfinished(self) -> None:
        """Release the claims of this process that no task handles (their commit failed): they would block the chat."""
        for inbox_id, epoch, chat_key, lane, update_id in await self._db.read(
            lambda conn: inbox.claimed_by(conn, self._bot_id, self._lease_id)
        ):
            if (update_id in self._now_ids) if lane == NOW else (chat_key in self._workers):
                continue
            if epoch < MOST_EPOCHS:
                await self._db.write(partial(inbox.release, inbox_id=inbox_id, epoch=epoch))
            else:
                log.error("update %d is abandoned: it could not be finished %d times", update_id, epoch)
                await self._db.write(partial(inbox.finish, inbox_id=inbox_id, epoch=epoch, now=self._clock.now()))

    def close(self) -> None:
        """Start to handle no further update; those in progress go on."""
        self._open = False

    async def finish(self) -> None:
        """Wait for the updates in progress."""
        while tasks := [*self._workers.values(), *self._tasks]:
            await asyncio.gather(*tasks, return_exceptions=True)

    def _dispatch(self, chat_key: str, lane: str, update_id: int) -> None:
        if not self._open:
            return
        if lane == NOW:
            self._now_ids.add(update_id)
            task = asyncio.create_task(self._handle_now(update_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif chat_key in self._workers:
            self._has_more.add(chat_key)
        else:
            self._workers[chat_key] = asyncio.create_task(self._handle_chat(chat_key), name=f"chat {chat_key}")

    async def _handle_chat(self, chat_key: str) -> None:
        """Handle the updates of one chat in order, until none is left."""
        try:
            while self._open:
                self._has_more.discard(chat_key)
                claimed = await self._db.write(
                    lambda conn: inbox.claim_next(conn, self._bot_id, chat_key, self._lease_id)
                )
                if claimed is not None:
                    await self._handle_claimed(*await self._parsed(claimed))
                elif chat_key not in self._has_more:
                    return
        except Exception:
            log.exception("the updates of chat %s could not be handled", chat_key)
        finally:
            del self._workers[chat_key]

    async def _parsed(self, claimed: ClaimedUpdate) -> tuple[ClaimedUpdate, dict[str, Any]]:
        """Parse a claimed update. If more messages of one paste or album may follow, wait for them and join them."""
        update = json.loads(claimed.payload)
        if not _may_continue(claimed.payload):
            return claimed, update
        updates, rest = [update], list[ClaimedUpdate]()
        while len(updates) < merging.MOST_PARTS and merging.may_continue(updates[-1]):
            last = rest[-1] if rest else claimed
            age = (self._clock.now() - last.received_at).total_seconds()
            await asyncio.sleep(max(0.0, merging.JOIN_SECONDS - age))
            more = await self._db.write(partial(self._claim_next_part, claimed.chat_key, last.update_id, updates[-1]))
            if more is None:
                break
            rest.append(more[0])
            updates.append(more[1])
        return (replace(claimed, rest=tuple(rest)), merging.joined(updates)) if rest else (claimed, update)

    def _claim_next_part(
        self, chat_key: str, after: int, last: Mapping[str, Any], conn: Connection
    ) -> tuple[ClaimedUpdate, dict[str, Any]] | None:
        """Claim and parse the next update of the chat if it continues `last`."""
        found = inbox.next_in_chat(conn, self._bot_id, chat_key, after)
        update = json.loads(found[1]) if found is not None else {}
        if found is None or not merging.continues(last, update):
            return None
        claimed = inbox.claim(conn, self._bot_id, found[0], self._lease_id)
        return None if claimed is None else (claimed, update)

    async def _handle_now(self, update_id: int) -> None:
        try:
            claimed = await self._db.write(lambda conn: inbox.claim(conn, self._bot_id, update_id, self._lease_id))
            if claimed is not None:
                await self._handle_claimed(claimed, json.loads(claimed.payload))
        except Exception:
            log.exception("update %d could not be finished", update_id)
        finally:
            self._now_ids.discard(update_id)

    async def _handle_claimed(self, claimed: ClaimedUpdate, update: dict[str, Any]) -> None:
        """Handle an update and mark it as done, unless its handler finished or released the claim."""
        token = claimed_update.set(claimed)
        try:
            await self._handle(update)
        except Exception:
            log.exception("update %d could not be handled", claimed.update_id)
        finally:
            claimed_update.reset(token)
        await self._db.write(lambda conn: inbox.finish_all(conn, claimed, self._clock.now()))


def number_of(update: object) -> int | None:
    """Return the update's id, or None if this is no update."""
    number = update.get("update_id") if isinstance(update, Mapping) else None
    return number if isinstance(number, int) and 0 <= number < _FIRST_INVALID_ID else None


def incoming_of(update: Mapping[str, Any]) -> IncomingUpdate | None:
    """Return the update as it is stored. Return None if it can't be stored: it must not block the updates after it."""
    number = number_of(update)
    if number is None:
        log.warning("an update without a valid id was ignored")
        return None
    payload = _json(update)
    if not payload.isascii() or "\\u0000" in payload:
        payload = _json(_cleaned(update))
    message = update.get("message")
    chat = message.get("chat") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(chat, dict):
        return IncomingUpdate(number, "", NOW, payload)
    thread = message.get("message_thread_id", 0) if message.get("is_topic_message") else 0
    return IncomingUpdate(number, f"{chat.get('id', 0)}:{thread}", _lane(message), payload)


def handler_of(bot: ExtBot[int], process: Callable[[Update], Awaitable[None]]) -> Handle:
    """Return a function that converts an update and passes it to `process`."""

    async def handle(payload: dict[str, Any]) -> None:
        update = read(payload, bot)
        if update is not None:
            await process(update)

    return handle


def handler_in_span(handle: Handle, span: Span) -> Handle:
    """Return `handle` within the span of each update's kind; unknown kinds have one name."""

    async def handle_in_span(payload: dict[str, Any]) -> None:
        with span(next((kind for kind in payload if kind in _KINDS), "update")):
            await handle(payload)

    return handle_in_span


def read(payload: Mapping[str, Any], bot: ExtBot[int]) -> Update | None:
    """Convert an update for the handlers. Return None if no handler could use it; the log names the flaw only."""
    number = payload.get("update_id")
    try:
        update = Update.de_json(dict(payload), bot)
    except Exception as error:  # noqa: BLE001 - PTB does not check fields: a malformed one raises any error here
        log.warning("update %s is malformed and was ignored: %s", number, type(error).__name__)
        return None
    if update is None or (flaw := _flaw(update)) is None:
        return update
    log.warning("update %s is malformed and was ignored: %s", number, flaw)
    return None


def _flaw(update: Update) -> str | None:
    """Name the first field that is missing or wrong and that handlers rely on."""
    message = update.message
    from_user = message or update.callback_query or update.pre_checkout_query
    if from_user is not None and update.effective_user is None:
        return "it has no sender"
    if message is not None and update.effective_chat is None:
        return "it has no chat"
    if message is not None and not all(isinstance(text or "", str) for text in (message.text, message.caption)):
        return "its text is no string"
    return None


def _may_continue(payload: str) -> bool:
    """Return False, without parsing, if an update is too short for a part of a long paste, and of no album."""
    return len(payload) > _LONG_CHARS or "media_group_id" in payload


def _json(update: object) -> str:
    return json.dumps(update, ensure_ascii=False, separators=(",", ":"))


def _cleaned(value: Any) -> Any:
    """Return the JSON value without characters that a database refuses."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {name: _cleaned(each) for name, each in value.items()}
    return [_cleaned(each) for each in value] if isinstance(value, list) else value


def _lane(message: Mapping[str, Any]) -> str:
    if any(field in message for field in _PAYMENT_FIELDS):
        return NOW
    first = str(message.get("text", "")).split(maxsplit=1)[:1]
    return NOW if first and first[0].partition("@")[0] == "/stop" else CHAT
