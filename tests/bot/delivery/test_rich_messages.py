"""A rich message from the outbox: it replaces several parts, or none."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter
from telegram.ext import ExtBot
from telegram.request import RequestData

from bot.delivery import courier as sending
from bot.delivery.courier import Courier
from bot.delivery.parts import payload
from bot.delivery.rate_limiter import RateLimiter
from bot.delivery.rich_messages import RichPart
from bot.formatting.markdown import Piece
from storage.database.connection import Connection
from storage.database.database import Database
from storage.telegram import outbox
from tests.bot.port import CHAT, Port
from tests.storage.books import FixedClock

NOW = datetime(2026, 11, 25, tzinfo=UTC)
KEYS = {"inline_keyboard": [[{"text": "Show as text", "callback_data": "settings:text:1:7"}]]}
GONE = BadRequest("Message to edit not found")
SAME = BadRequest("Message is not modified: specified new message content is exactly the same")


class Telegram(Port):
    """Records the kind of each call."""

    def __init__(self, *errors: Exception) -> None:
        super().__init__(*errors)
        self.calls, self.parameters = list[str](), list[dict[str, Any]]()

    def called(self, method: str, data: RequestData) -> None:
        self.parameters.append(data.json_parameters)
        self.calls.append(f"{method} {data.parameters.get('text', 'rich')}")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "PAUSES", (0.001,))


async def sent(db: Database, telegram: Telegram, *, edit: int | None = None, reply_to: int | None = None) -> list[str]:
    """Send three parts, the first two also as a rich message. Return the calls."""
    rich_part = RichPart({"html": "<p>one two</p>"}, KEYS, 2)
    parts = [payload(Piece("one"), thread_id=None, edit=edit, reply_to=reply_to, rich_part=rich_part)]
    parts += [payload(Piece(text), thread_id=None) for text in ("two", "three")]
    await db.write(lambda conn: outbox.put(conn, "r", CHAT, parts, "mine", NOW))
    bot = ExtBot("1:t", request=telegram, get_updates_request=Telegram(), rate_limiter=RateLimiter(burst=100))
    courier = Courier(bot, db, "mine", FixedClock(NOW))
    await courier.send("r")
    while courier._later:
        await next(iter(courier._later))
    return telegram.calls


async def states(db: Database) -> list[str]:
    def query(conn: Connection) -> list[str]:
        return [row["state"] for row in conn.rows("SELECT state FROM outbox ORDER BY seq")]

    return await db.read(query)


async def test_rich_message_replaces_its_parts_and_the_rest_follows(db: Database) -> None:
    telegram = Telegram()
    assert await sent(db, telegram, reply_to=5) == ["sendRichMessage rich", "sendMessage three"]
    assert json.loads(telegram.parameters[0]["rich_message"]) == {"html": "<p>one two</p>"}
    assert json.loads(telegram.parameters[0]["reply_markup"]) == KEYS
    assert json.loads(telegram.parameters[0]["reply_parameters"])["message_id"] == 5
    assert await states(db) == ["sent", "sent", "sent"]


async def test_parts_are_sent_one_by_one_after_a_refusal(db: Database) -> None:
    calls = await sent(db, Telegram(BadRequest("RICH_MESSAGE_CONTENT_REQUIRED")))
    assert calls == ["sendRichMessage rich", "sendMessage one", "sendMessage two", "sendMessage three"]


async def test_placeholder_is_edited_to_the_rich_message(db: Database) -> None:
    telegram = Telegram()
    assert await sent(db, telegram, edit=3) == ["editMessageText rich", "sendMessage three"]
    assert "text" not in telegram.parameters[0]
    assert json.loads(telegram.parameters[0]["rich_message"]) == {"html": "<p>one two</p>"}


async def test_rich_message_is_sent_if_the_placeholder_is_gone(db: Database) -> None:
    assert (await sent(db, Telegram(GONE), edit=3))[:2] == ["editMessageText rich", "sendRichMessage rich"]


async def test_unmodified_placeholder_counts_as_sent(db: Database) -> None:
    assert await sent(db, Telegram(SAME), edit=3) == ["editMessageText rich", "sendMessage three"]


async def test_placeholder_that_refuses_the_rich_message_gets_the_ordinary_one(db: Database) -> None:
    calls = await sent(db, Telegram(BadRequest("message text is empty")), edit=3)
    assert calls == ["editMessageText rich", "editMessageText one", "sendMessage two", "sendMessage three"]


@pytest.mark.parametrize("trouble", [NetworkError("reset"), RetryAfter(0)])
async def test_unreachable_telegram_gets_the_same_rich_message_later(db: Database, trouble: Exception) -> None:
    assert await sent(db, Telegram(trouble)) == ["sendRichMessage rich"] * 2 + ["sendMessage three"]
    assert await states(db) == ["sent", "sent", "sent"]


async def test_rich_message_follows_its_group_to_the_supergroup(db: Database) -> None:
    telegram = Telegram(ChatMigrated(-1009))
    assert (await sent(db, telegram))[:2] == ["sendRichMessage rich"] * 2
    assert telegram.parameters[1]["chat_id"] == "-1009"


async def test_rich_message_to_a_user_who_blocked_the_bot_is_dropped(db: Database) -> None:
    await sent(db, Telegram(*[Forbidden("bot was blocked by the user")] * 3))
    assert await states(db) == ["dropped", "dropped", "dropped"]
