"""Intakes over a database, messages for them, and a handler that records the updates."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from bot.context import claimed_update
from bot.updates import merging
from bot.updates.intake import Intake
from storage.database.connection import Connection
from storage.database.database import Database
from storage.telegram import inbox
from tests.storage.books import FixedClock

ANN, BAO = 11, 12


def message(number: int, text: str = "hello", chat: int = ANN, **more: Any) -> dict[str, Any]:
    sender = {"id": chat, "is_bot": False, "first_name": "Ann"}
    return {"update_id": number, "message": {"chat": {"id": chat}, "from": sender, "text": text, **more}}


class Handled:
    """Records each handled update. Chats in `busy` do not finish until `free` is set."""

    def __init__(self) -> None:
        self.updates: list[dict[str, Any]] = []
        self.epochs: list[int] = []
        self.busy: set[int] = set()
        self.free = asyncio.Event()
        self.fails: set[int] = set()
        self.finishes_in: Callable[[Callable[[Connection], bool]], Awaitable[bool]] | None = None

    async def __call__(self, update: dict[str, Any]) -> None:
        claimed = claimed_update.get()
        assert claimed is not None
        self.updates.append(update)
        self.epochs.append(claimed.epoch)
        if update.get("message", {}).get("chat", {}).get("id") in self.busy:
            await self.free.wait()
        if update["update_id"] in self.fails:
            raise ValueError("no")
        if self.finishes_in is not None:
            assert await self.finishes_in(lambda conn: inbox.finish_all(conn, claimed, FixedClock().now()))

    @property
    def numbers(self) -> list[int]:
        return [update["update_id"] for update in self.updates]


def intake(
    db: Database,
    handled: Handled,
    lease: str = "mine",
    slowed: list[int] | None = None,
    wait_seconds: float = 0.0,
) -> Intake:
    slow_down = slowed.append if slowed is not None else lambda _: None
    return Intake(db, 1, lease, FixedClock(), handled, slow_down, waits=merging.Waits(wait_seconds, wait_seconds))


async def states(db: Database) -> list[tuple[int, str]]:
    def query(conn: Connection) -> list[tuple[int, str]]:
        return [(row["update_id"], row["state"]) for row in conn.rows("SELECT * FROM inbox ORDER BY update_id")]

    return await db.read(query)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)
