"""The exchange of facts between replicas: breakers, limits, drains, contexts, Telegram's budgets, stops.

Changes are sent twice a second. They are read within milliseconds if PostgreSQL's notifications arrive, else once a
second. A process that starts applies the facts of the last minutes.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from storage.database.connection import Connection
from storage.database.database import Database
from storage.operations import shared_facts
from storage.operations.shared_facts import SharedFacts

log = logging.getLogger(__name__)
TELL_SECONDS, POLL_SECONDS = 0.5, 1.0
WINDOW_SECONDS, HISTORY_SECONDS, KEPT_SECONDS = 5.0, 600.0, 900.0
ALIVE_SECONDS, BEAT_SECONDS = 12.0, 4.0
SWEEP_SECONDS = 60.0
MOST_UNTOLD = 1000  # ten minutes of changes while the database is unavailable
PRESENT = "present"


class SharedPart(Protocol):
    """Facts that replicas share."""

    def take(self) -> Any:
        """Return the changes since the last call as JSON; an empty value if there are none."""
        ...

    def apply(self, told: Any, age_seconds: float) -> None:
        """Apply the changes of another process."""
        ...


class Exchange:
    """Sends and applies the shared facts, as a component. `roles`: the parts of this process, for `count`."""

    def __init__(
        self,
        db: Database,
        lease_id: str,
        roles: frozenset[str],
        parts: Mapping[str, SharedPart],
        peers_changed: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`peers_changed` is called with the number of processes that run the bot, including this one."""
        self._db, self._lease_id, self._roles, self._parts = db, lease_id, sorted(roles), parts
        self._peers_changed = peers_changed
        self._untold: deque[dict[str, Any]] = deque(maxlen=MOST_UNTOLD)
        self._seen: dict[int, float] = {}
        self._peers: dict[str, tuple[float, list[str]]] = {}
        self._bots = 0
        self._read_at = self._told_at = self._swept_at = float("-inf")
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self._read(HISTORY_SECONDS)
        for part in self._parts.values():
            part.take()  # facts from before the start are not sent again
        self._tasks = [
            asyncio.create_task(self._tell_often(), name="telling replicas"),
            asyncio.create_task(self._listen(), name="listening to replicas"),
        ]

    async def quiet(self) -> None:
        """Do nothing: running answers still learn."""

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def count(self, role: str) -> int:
        """Return the number of processes with that part, including this one."""
        now = time.monotonic()
        others = sum(role in roles and seen > now - ALIVE_SECONDS for seen, roles in self._peers.values())
        return others + (role in self._roles)

    async def _tell_often(self) -> None:
        while True:
            try:
                await self.tell()
            except Exception:
                log.warning("facts could not be sent to the other replicas", exc_info=True)
            await asyncio.sleep(TELL_SECONDS)

    async def tell(self) -> None:
        """Send the changes since the last call, if any, and at intervals a sign that this process is alive."""
        now, facts = time.monotonic(), {name: found for name, part in self._parts.items() if (found := part.take())}
        if now - self._told_at >= BEAT_SECONDS:
            facts[PRESENT] = self._roles
        if facts:
            self._untold.append(facts)
        if self._untold:
            await self._db.write(partial(_tell_all, lease_id=self._lease_id, untold=tuple(self._untold)))
            self._untold.clear()
            self._told_at = now
        if now - self._swept_at >= SWEEP_SECONDS:
            self._swept_at = now
            await self._db.write(partial(shared_facts.sweep, older_than_seconds=KEPT_SECONDS))

    async def _listen(self) -> None:
        from storage.database.listener import rings  # noqa: PLC0415 - psycopg's 9 MB are not spent beside SQLite

        async for _ in rings(self._db.url, shared_facts.CHANNEL, POLL_SECONDS):
            try:
                await self._read(WINDOW_SECONDS + time.monotonic() - self._read_at)
            except Exception:
                log.warning("facts from other replicas could not be read", exc_info=True)

    async def _read(self, within_seconds: float) -> None:
        began = time.monotonic()
        for each in await self._db.read(partial(_told, lease_id=self._lease_id, within_seconds=within_seconds)):
            if each.id not in self._seen:
                self._seen[each.id] = began
                self._apply(each)
        self._read_at = began
        self._seen = {number: at for number, at in self._seen.items() if at > began - HISTORY_SECONDS - WINDOW_SECONDS}
        if (bots := self.count("bot")) != self._bots:
            self._bots = bots
            self._peers_changed(max(1, bots))

    def _apply(self, told: SharedFacts) -> None:
        if PRESENT in told.facts:
            self._peers[told.lease_id] = time.monotonic() - told.age_seconds, told.facts[PRESENT]
        for name, part in self._parts.items():
            if name in told.facts:
                part.apply(told.facts[name], told.age_seconds)


def _tell_all(conn: Connection, *, lease_id: str, untold: Sequence[dict[str, Any]]) -> None:
    for facts in untold:
        shared_facts.tell(conn, lease_id, facts)


def _told(conn: Connection, *, lease_id: str, within_seconds: float) -> list[SharedFacts]:
    return shared_facts.told(conn, lease_id, within_seconds)
