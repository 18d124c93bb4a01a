import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter, TimedOut
from telegram.ext import ExtBot
from telegram.request import RequestData

from bot.delivery import courier as sending
from bot.delivery.courier import Courier
from bot.delivery.parts import payload
from bot.delivery.rate_limiter import RateLimiter
from bot.formatting.markdown import render
from storage.database.connection import Connection
from storage.database.database import Database
from storage.telegram import outbox
from tests.bot.port import CHAT, Port
from tests.storage.books import FixedClock

NOW = datetime(2026, 11, 25, tzinfo=UTC)


class Telegram(Port):
    """Counts calls and records the texts that arrive."""

    def __init__(self, *errors: Exception | bytes) -> None:
        super().__init__(*errors)
        self.texts, self.calls, self.chats = list[str](), 0, list[Any]()

    def called(self, method: str, data: RequestData) -> None:  # noqa: ARG002 - only that it was called
        self.calls += 1

    def arrives(self, data: RequestData) -> dict[str, Any]:
        self.texts.append(str(data.parameters["text"]))
        self.chats.append(data.parameters["chat_id"])
        return {**super().arrives(data), "message_id": self.calls, "text": "…"}


async def written(db: Database, *texts: str, lease: str = "mine", request_id: str = "r") -> None:
    payloads = [payload(render(text)[0], thread_id=None) for text in texts]
    await db.write(lambda conn: outbox.put(conn, request_id, CHAT, payloads, lease, NOW))


async def unsent(db: Database) -> int:
    def query(conn: Connection) -> int:
        return len(conn.rows("SELECT 1 AS one FROM outbox WHERE state = 'new'"))

    return await db.read(query)


def courier_over(db: Database, telegram: Telegram) -> Courier:
    bot = ExtBot("1:t", request=telegram, get_updates_request=Telegram(), rate_limiter=RateLimiter(burst=100))
    return Courier(bot, db, "mine", FixedClock(NOW))


async def until_idle(courier: Courier) -> None:
    while courier._later:
        await next(iter(courier._later))


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "PAUSES", (0.001,))


@pytest.mark.parametrize("error", [TimedOut(), NetworkError("reset")])
async def test_failed_parts_are_sent_again_in_order(db: Database, error: Exception) -> None:
    await written(db, "one", "two", "three")
    telegram = Telegram(error, error)
    courier = courier_over(db, telegram)
    await courier.send("r")
    assert await unsent(db) == 3
    await until_idle(courier)
    assert telegram.texts == ["one", "two", "three"]
    assert await unsent(db) == 0


async def test_flood_wait_delays_the_parts_and_keeps_their_order(db: Database) -> None:
    await written(db, "one", "two")
    telegram = Telegram(RetryAfter(0), RetryAfter(0))
    await courier_over(db, telegram).send("r")
    assert telegram.texts == ["one", "two"]


async def test_answer_is_not_sent_twice_at_the_same_time(db: Database) -> None:
    await written(db, "one")
    telegram = Telegram(NetworkError("reset"))
    courier = courier_over(db, telegram)
    await courier.send("r")
    await courier.send("r")
    assert telegram.calls == 1
    await until_idle(courier)
    assert telegram.texts == ["one"]


async def test_remains_of_a_dead_process_are_sent_once_and_those_of_a_living_one_are_not(db: Database) -> None:
    await written(db, "left", lease="dead")
    telegram = Telegram()
    courier = courier_over(db, telegram)
    assert (await courier.adopt(), await courier.adopt()) == (1, 0)
    await until_idle(courier)
    assert telegram.texts == ["left"]


async def test_user_who_blocked_the_bot_is_marked_and_the_answer_dropped(db: Database) -> None:
    await written(db, "one")
    telegram = Telegram(Forbidden("bot was blocked by the user"))
    courier = courier_over(db, telegram)
    await courier.send("r")
    assert (telegram.calls, await unsent(db)) == (1, 0)


async def test_refused_part_is_sent_without_its_formatting(db: Database) -> None:
    await written(db, "**bold**")
    telegram = Telegram(BadRequest("can't parse entities"))
    await courier_over(db, telegram).send("r")
    assert telegram.texts == ["bold"]


async def test_stop_leaves_unsent_parts_to_the_next_process(db: Database) -> None:
    await written(db, "one")
    courier = courier_over(db, Telegram(*[NetworkError("away")] * 1000))
    await courier.send("r")
    await courier.stop()
    assert await unsent(db) == 1


@pytest.mark.usefixtures("short_pauses")
async def test_unreadable_response_of_telegram_loses_no_part(db: Database) -> None:
    telegram = Telegram(b"[]", b'{"ok": true, "result": null}')
    courier = courier_over(db, telegram)
    await written(db, "one", "two")
    await courier.send("r")
    async with asyncio.timeout(60):
        while await unsent(db):
            await asyncio.sleep(0.01)
    assert telegram.texts == ["one", "two"]
    await courier.stop()


async def test_answer_follows_its_group_to_the_supergroup(db: Database) -> None:
    telegram = Telegram(ChatMigrated(-1009))
    courier = courier_over(db, telegram)
    await written(db, "one")
    await courier.send("r")
    assert (telegram.texts, telegram.chats, await unsent(db)) == (["one"], [-1009], 0)
    await courier.stop()
