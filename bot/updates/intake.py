"""The intake of updates: each is stored before it is confirmed to Telegram, then handled once.

Messages are handled in order per chat; payments, buttons and /stop are handled at once.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import filterfalse
from typing import Any

from bot.context import claimed_update
from bot.updates import merging
from bot.updates.incoming import Handle, alone, chats_of, incoming_of
from engine.ports import Clock
from storage.database import leases
from storage.database.connection import Connection
from storage.database.database import Database
from storage.telegram import inbox
from storage.telegram.chat_queue import ChatQueue, LocalChats
from storage.telegram.inbox import NOW, ClaimedUpdate, IncomingUpdate, OwnClaim, WaitingUpdate

log = logging.getLogger(__name__)
MOST_EPOCHS = 50
LOOK_SECONDS = merging.JOIN_SECONDS
"""How often a message that waits longer than that looks for the next one."""
WAITED_SECONDS = 2.0
"""If an update is unclaimed for this long, and its chat has no claimed update, its worker has died."""


class Intake:
    """Runs one task per busy chat, and one task for each update of the `now` lane."""

    def __init__(
        self,
        db: Database,
        bot_id: int,
        lease_id: str,
        clock: Clock,
        handle: Handle,
        slow_down: Callable[[int], None],
        queue: ChatQueue | None = None,
        *,
        waits: merging.Waits = merging.USUAL,
    ) -> None:
        """`slow_down` is called for each chat that a dead process was answering, which may have used up its budget.

        `queue` decides which process works on a chat; None: this one, at once. `waits`: how long
        messages wait for others that belong to them.
        """
        self._waits = waits
        self._db, self._bot_id, self._lease_id, self._clock = db, bot_id, lease_id, clock
        self._handle, self._slow_down = handle, slow_down
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._has_more: set[str] = set()
        self._claims_at_once = queue is None
        self._claiming: list[str] = []
        self._claimed: dict[str, ClaimedUpdate] = {}
        self._alone: set[str] = set()
        self._now_ids: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._claims: dict[int, tuple[int, asyncio.Task[Any]]] = {}
        self._queue = LocalChats(self._ring) if queue is None else queue
        self._open = self._starts = True

    async def store(self, updates: Sequence[Mapping[str, Any]]) -> None:
        """Commit the updates and start to handle the new ones. Only after that may they be confirmed to Telegram."""
        incoming = [each for update in updates if (each := incoming_of(update)) is not None]
        claims = self._claims_at_once and self._open
        free = [chat for chat in chats_of(incoming) if claims and chat not in self._workers]
        self._claiming += free
        try:
            fresh, claimed = await self._db.write(partial(self._store, incoming, free))
            self._claimed |= {each.chat_key: each for each in claimed}
            self._alone |= alone(fresh, claimed) - self._workers.keys()
            self._queue.committed(chats_of(fresh))
        finally:
            for chat_key in free:
                self._claiming.remove(chat_key)
        for update in fresh:
            if update.lane == NOW:
                self._handle_at_once(update.update_id)

    def _store(
        self, incoming: Sequence[IncomingUpdate], free: Sequence[str], conn: Connection
    ) -> tuple[list[IncomingUpdate], list[ClaimedUpdate]]:
        """Store updates, and in the same commit claim the first of each chat in `free`, which have no worker yet."""
        fresh = inbox.store(conn, self._bot_id, incoming, self._clock.now())
        chats = chats_of(fresh)
        self._queue.enqueue(conn, chats)
        claims = (inbox.claim_next(conn, self._bot_id, each, self._lease_id) for each in free if each in chats)
        return fresh, [claimed for claimed in claims if claimed is not None]

    def may_take_up(self, conn: Connection) -> bool:
        """Return whether there may be updates for `take_up`: always at the start, later hardly ever."""
        if self._starts or inbox.may_be_left(conn, self._bot_id, self._waiting_since(), self._lease_id):
            return True
        return any(not self._is_handled(each) for each in inbox.claimed_by(conn, self._bot_id, self._lease_id))

    def _waiting_since(self) -> datetime:
        return self._clock.now() - timedelta(seconds=0 if self._starts else WAITED_SECONDS)

    def _is_handled(self, claim: OwnClaim) -> bool:
        _, _, chat_key, lane, update_id = claim
        return update_id in self._now_ids if lane == NOW else chat_key in (*self._workers, *self._claiming)

    async def take_up(self) -> int:
        """Handle the updates that dead processes left, oldest first. Return their number."""
        if not await self._db.read_key(self.may_take_up):
            return 0
        before = self._waiting_since()

        def unit(conn: Connection) -> tuple[int, list[WaitingUpdate]]:
            dead = leases.dead(conn, self._clock.now(), self._lease_id)
            released = inbox.release_dead(conn, self._bot_id, dead)
            left = inbox.waiting(conn, self._bot_id, before)
            self._queue.free(conn, chats_of(left))
            self._queue.enqueue(conn, chats_of(left))
            return released, left

        await self._release_unfinished()
        released, left = await self._db.write(unit)
        if released or self._starts:
            for chat_key in chats_of(left).keys() - self._workers.keys():
                self._slow_down(int(chat_key.partition(":")[0]))
        self._queue.committed(chats_of(left))
        for update in left:
            if update.lane == NOW:
                self._handle_at_once(update.update_id)
        self._starts = False
        return len(left)

    async def start(self) -> None:
        """Start to work on chats that the queue names."""
        await self._queue.start(self.work_on)

    async def drop_lost(self) -> None:
        """Cancel the handling of updates that another process took over while this one was frozen."""
        running = dict(self._claims)
        kept = await self._db.read(lambda conn: inbox.still_claimed(conn, running, self._lease_id))
        for inbox_id in running.keys() - kept:
            log.warning("another process has taken over an update, and handles it")
            running[inbox_id][1].cancel()

    async def _release_unfinished(self) -> None:
        """Release claims of this process that no task handles (their commit failed): they would block the chat."""
        claims = await self._db.read_key(partial(inbox.claimed_by, bot_id=self._bot_id, lease_id=self._lease_id))
        for claim in filterfalse(self._is_handled, claims):
            inbox_id, epoch, _, _, update_id = claim
            if epoch < MOST_EPOCHS:
                await self._db.write(partial(inbox.release, inbox_id=inbox_id, epoch=epoch))
            else:
                log.error("update %d is abandoned: it could not be finished %d times", update_id, epoch)
                await self._db.write(partial(inbox.finish, inbox_id=inbox_id, epoch=epoch, now=self._clock.now()))

    def close(self) -> None:
        """Start to handle no more updates; running ones continue."""
        self._open = False
        self._queue.close()

    async def finish(self) -> None:
        """Wait for the updates that are being handled. A wait for tasks that are done would never yield to the loop."""
        await self._queue.stop()
        while tasks := [task for task in (*self._workers.values(), *self._tasks) if not task.done()]:
            await asyncio.wait(tasks)

    def _handle_at_once(self, update_id: int) -> None:
        if self._open and update_id not in self._now_ids:
            self._now_ids.add(update_id)
            task = asyncio.create_task(self._handle_now(update_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def work_on(self, chat_key: str) -> None:
        """Handle the updates of a chat until none is left. Cancelling the caller does not cancel the work."""
        task = self._ring(chat_key)
        if task is not None:
            await asyncio.wait([task])

    def _ring(self, chat_key: str) -> asyncio.Task[None] | None:
        """Return the task that works on the chat; None if no more work is started."""
        if not self._open:
            return None
        if chat_key in self._workers:
            self._has_more.add(chat_key)
        else:
            self._workers[chat_key] = asyncio.create_task(self._handle_chat(chat_key), name=f"chat {chat_key}")
        return self._workers[chat_key]

    async def _handle_chat(self, chat_key: str) -> None:
        """Handle the updates of one chat in order, until none is left."""
        handled: ClaimedUpdate | None = None
        try:
            while self._open:
                self._has_more.discard(chat_key)
                claimed = self._claimed.pop(chat_key, None)
                if claimed is None:
                    self._alone.discard(chat_key)
                    claimed = await self._next(handled, chat_key)
                handled = None
                if claimed is not None:
                    handled, update = await self._parsed(claimed)
                    await self._handle_claimed(handled, update)
                elif chat_key not in self._has_more:
                    return
            if handled is not None:
                await self._finish(handled)
        except Exception:
            log.exception("the updates of chat %s could not be handled", chat_key)
        finally:
            del self._workers[chat_key]
            self._claimed.pop(chat_key, None)
            self._alone.discard(chat_key)

    async def _next(self, handled: ClaimedUpdate | None, chat_key: str) -> ClaimedUpdate | None:
        """Finish an update and claim the chat's next one, in one commit; after an answer there is often neither."""
        if handled is not None and not await self._db.read_key(
            lambda conn: inbox.has_unfinished(conn, self._bot_id, chat_key)
        ):
            return None
        return await self._db.write(partial(self._finish_and_claim, handled, chat_key))

    async def _parsed(self, claimed: ClaimedUpdate) -> tuple[ClaimedUpdate, dict[str, Any]]:
        """Parse a claimed update. If more messages may belong to it, wait for them and join them."""
        updates, rest = [json.loads(claimed.payload)], list[ClaimedUpdate]()
        while len(updates) < merging.MOST_PARTS and (wait := merging.wait_seconds(updates, self._waits)):
            last = rest[-1] if rest else claimed
            chat, after = claimed.chat_key, last.update_id
            if not await self._comes_within(wait, last):  # almost always so, and there is nothing to commit
                break
            more = await self._db.write(partial(self._claim_next_part, chat, after, updates))
            if more is None:
                break
            rest.append(more[0])
            updates.append(more[1])
        return (replace(claimed, rest=tuple(rest)), merging.joined(updates)) if rest else (claimed, updates[0])

    async def _comes_within(self, seconds: float, last: ClaimedUpdate) -> bool:
        """Wait for the chat's next update. Return False if none came in time."""
        following = partial(inbox.next_in_chat, bot_id=self._bot_id, chat_key=last.chat_key, after=last.update_id)
        left = max(0.0, seconds - (self._clock.now() - last.received_at).total_seconds())
        while True:
            step = min(left, LOOK_SECONDS)
            await asyncio.sleep(step)
            left -= step
            may_have_come = last.chat_key not in self._alone or last.chat_key in self._has_more
            if may_have_come and await self._db.read_key(following) is not None:
                return True
            if left <= 0 or not self._open:
                return False

    def _finish_and_claim(self, handled: ClaimedUpdate | None, chat_key: str, conn: Connection) -> ClaimedUpdate | None:
        """Mark an update as done, unless its handler finished or released the claim; then claim the chat's next one."""
        if handled is not None:
            inbox.finish_all(conn, handled, self._clock.now())
        return inbox.claim_next(conn, self._bot_id, chat_key, self._lease_id)

    async def _finish(self, claimed: ClaimedUpdate) -> None:
        await self._db.write(lambda conn: inbox.finish_all(conn, claimed, self._clock.now()))

    def _claim_next_part(
        self, chat_key: str, after: int, parts: Sequence[Mapping[str, Any]], conn: Connection
    ) -> tuple[ClaimedUpdate, dict[str, Any]] | None:
        """Claim and parse the next update of the chat if it belongs to `parts`."""
        found = inbox.next_in_chat(conn, self._bot_id, chat_key, after)
        update = json.loads(found[1]) if found is not None else {}
        if found is None or not merging.continues(parts, update):
            return None
        claimed = inbox.claim(conn, self._bot_id, found[0], self._lease_id)
        return None if claimed is None else (claimed, update)

    async def _handle_now(self, update_id: int) -> None:
        try:
            claimed = await self._db.write(lambda conn: inbox.claim(conn, self._bot_id, update_id, self._lease_id))
            if claimed is not None:
                await self._handle_claimed(claimed, json.loads(claimed.payload))
                await self._finish(claimed)
        except Exception:
            log.exception("update %d could not be finished", update_id)
        finally:
            self._now_ids.discard(update_id)

    async def _handle_claimed(self, claimed: ClaimedUpdate, update: dict[str, Any]) -> None:
        """Handle an update. An error is logged, and the update counts as handled."""
        task = asyncio.current_task()
        assert task is not None
        token, self._claims[claimed.id] = claimed_update.set(claimed), (claimed.epoch, task)
        if claimed.epoch > 1 and claimed.chat_key:
            self._slow_down(int(claimed.chat_key.partition(":")[0]))
        try:
            await self._handle(update)
        except Exception:
            log.exception("update %d could not be handled", claimed.update_id)
        finally:
            claimed_update.reset(token)
            del self._claims[claimed.id]
