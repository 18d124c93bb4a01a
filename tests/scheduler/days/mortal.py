"""The clock, the database and Telegram for a process of a simulated day, until the process is killed."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar

from locales.button import Button
from scheduler.ports import Sent
from storage.alerts.admin_notices import Undelivered
from storage.database.connection import Connection
from storage.reports.usage import UsageSpan
from tests.scheduler.conftest import Notifications
from tests.scheduler.days.inline import DatabaseGone, InlineDatabase

T = TypeVar("T")
START = datetime(2026, 11, 24, 6, tzinfo=UTC)


@dataclass
class LoopClock:
    """The time of the event loop. `ahead_seconds`: the error of its time of day."""

    ahead_seconds: float = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.monotonic() + self.ahead_seconds)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


class ProcessKilled(Exception):
    """The process was killed: it can't write or send any more."""


@dataclass
class Telegram(Notifications):
    """Telegram's chat with the admin. `at`: the times of each message and of each edit."""

    at: dict[Sent, float] = field(default_factory=dict)
    blocked_by: frozenset[int] = frozenset()

    def _record(self, chat: int, message: Any) -> Sent:
        sent = super()._record(chat, message)
        self.at[sent] = asyncio.get_running_loop().time()
        return sent


class Mortal:
    """Access to the database and to Telegram that ends when the process is killed.

    While `awake` is not set, the process is frozen. `may_send`: False if its lease has lapsed.
    """

    may_send: Callable[[], bool]

    def __init__(self, db: InlineDatabase, telegram: Telegram) -> None:
        self._db, self._telegram, self.alive = db, telegram, True
        self.awake = asyncio.Event()
        self.awake.set()
        self.url, self.dialect, self.queued, self.admins = db.url, db.dialect, 0, telegram.admins

    def _check(self) -> None:
        if not self.alive:
            raise ProcessKilled

    def _reach(self) -> None:
        self._check()
        if self._db.is_gone:
            raise DatabaseGone

    async def write(self, unit: Callable[[Connection], T]) -> T:
        return await self.submit(unit)

    async def write_along(self, unit: Callable[[Connection], T], most_seconds: float) -> T:
        await asyncio.sleep(most_seconds)
        return await self.submit(unit)

    def submit(self, unit: Callable[[Connection], T]) -> "asyncio.Future[T]":
        if not self.awake.is_set():
            return asyncio.ensure_future(self._submit_later(unit))
        self._reach()
        return self._db.submit(unit)

    async def _submit_later(self, unit: Callable[[Connection], T]) -> T:
        await self.awake.wait()
        return await self.submit(unit)

    async def read(self, query: Callable[[Connection], T]) -> T:
        self._reach()
        await asyncio.sleep(0)
        await self.awake.wait()
        self._reach()
        return await self._db.read(query)

    read_key = read

    async def watch(self, _: object) -> None:
        return None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def notify(self, user_id: int, key: str, values: Mapping[str, object], buttons: Sequence[Button] = ()) -> Any:
        self._check()
        return await self._telegram.notify(user_id, key, values, buttons)

    async def deliver(
        self,
        user_id: int,
        key: str,
        values: Mapping[str, object],
        buttons: Sequence[Button] = (),
        *,
        reply_to: int | None = None,
        chart: UsageSpan | None = None,
    ) -> Sent | Undelivered:
        await self.awake.wait()
        self._check()
        if not self.may_send():
            return Undelivered.UNREACHABLE
        if user_id in self._telegram.blocked_by and not self._telegram.is_offline:
            return Undelivered.REFUSED
        return await self._telegram.deliver(user_id, key, values, buttons, reply_to=reply_to, chart=chart)

    async def deliver_at_once(self, admin: int, key: str, values: Mapping[str, object]) -> Sent | None:
        await self.awake.wait()
        self._check()
        return None if admin in self._telegram.blocked_by else await self._telegram.deliver_at_once(admin, key, values)

    async def remember_admins(self) -> None: ...

    async def edit(self, sent: Sent, key: str, values: Mapping[str, object], buttons: Sequence[Button] = ()) -> bool:
        await self.awake.wait()
        self._check()
        return self.may_send() and await self._telegram.edit(sent, key, values, buttons)
