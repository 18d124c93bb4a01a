"""Each refusal of the Bot API that is known for a call, on each call that delivers an answer.

The texts are from the Bot API server's source, https://core.telegram.org/method/messages.sendMessage, and public issues
of python-telegram-bot, aiogram, telegraf and grammY.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, TelegramError, TimedOut
from telegram.ext import ExtBot
from telegram.request import RequestData

from bot.delivery import courier as sending
from bot.delivery.courier import Courier
from bot.delivery.parts import file_payload, payload
from bot.delivery.rate_limiter import RateLimiter
from bot.delivery.rich_messages import RichPart
from bot.formatting.markdown import render
from storage.database.connection import Connection
from storage.database.database import Database
from storage.telegram import outbox
from tests.bot.port import Port
from tests.storage.books import FixedClock

NOW = datetime(2026, 12, 1, tzinfo=UTC)
GROUP, ASKER, PLACEHOLDER = -100500, 7, 44
KEYBOARD = InlineKeyboardMarkup([[InlineKeyboardButton("Again", callback_data="again")]])
THREAD = ["message thread not found", "TOPIC_DELETED", "TOPIC_CLOSED", "TOPIC_ID_INVALID", "CHANNEL_FORUM_MISSING"]
REPLY = [
    "message to be replied not found",
    "message to reply not found",
    "replied message not found",
    "reply message not found",
    "REPLY_MESSAGE_ID_INVALID",
    "REPLY_TO_INVALID",
    "MSG_ID_INVALID",
    "QUOTE_TEXT_INVALID",
]
BUTTONS = [
    "BUTTON_DATA_INVALID",
    "BUTTON_URL_INVALID",
    "BUTTON_TYPE_INVALID",
    "BUTTON_USER_PRIVACY_RESTRICTED",
    "REPLY_MARKUP_TOO_LONG",
    "REPLY_MARKUP_INVALID",
    "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
    "object expected as reply markup",
]
STYLES = [
    "ENTITY_BOUNDS_INVALID",
    "ENTITIES_TOO_LONG",
    "ENTITY_MENTION_USER_INVALID",
    "can't parse entities: Unsupported start tag",
    "entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 9",
]
NO_MESSAGES = [
    *("chat not found", "CHAT_ID_INVALID", "PEER_ID_INVALID", "CHANNEL_INVALID", "CHANNEL_PRIVATE"),
    *("not enough rights to send text messages to the chat", "have no rights to send a message"),
    *("need administrator rights in the channel chat", "CHAT_ADMIN_REQUIRED", "CHAT_WRITE_FORBIDDEN"),
    *("CHAT_RESTRICTED", "CHAT_SEND_PLAIN_FORBIDDEN", "CHAT_GUEST_SEND_FORBIDDEN", "CHAT_FORBIDDEN"),
    *("group chat was deactivated", "group chat was upgraded to a supergroup chat", "USER_BANNED_IN_CHANNEL"),
    *("INPUT_USER_DEACTIVATED", "USER_IS_BOT", "YOU_BLOCKED_USER", "PRIVACY_PREMIUM_REQUIRED", "BALANCE_TOO_LOW"),
    *("ALLOW_PAYMENT_REQUIRED_5", "channel direct messages topic must be specified"),
]
NO_MEMBER = [
    "bot was kicked from the supergroup chat",
    "bot was kicked from the group chat",
    "bot is not a member of the supergroup chat",
    "the group chat was deleted",
    "CHAT_WRITE_FORBIDDEN",
]
NO_USER = [
    "bot was blocked by the user",
    "user is deactivated",
    "bot can't initiate conversation with a user",
    "bot can't send messages to bots",
]


class RefusingTelegram(Port):
    """Refuses each call of the method or with the field `refused`, and each to `chats`; records what arrives."""

    def __init__(self, error: TelegramError, refused: str = "", chats: tuple[int, ...] = ()) -> None:
        super().__init__()
        self._error, self._refused, self._chats = error, refused, chats
        self.calls: list[str] = []
        self.arrived: list[tuple[int, str]] = []

    def called(self, method: str, data: RequestData) -> None:
        self.calls.append(method)
        sent = data.parameters
        if sent.get(self._refused) or method == self._refused or sent.get("chat_id") in self._chats:
            raise self._error

    def arrives(self, data: RequestData) -> dict[str, Any]:
        sent = data.parameters
        chat = sent["chat_id"]
        assert isinstance(chat, int)
        self.arrived.append((chat, str(sent.get("text") or ("rich" if "rich_message" in sent else "file"))))
        return {**super().arrives(data), "message_id": 100 + len(self.calls), "text": "…"}


async def delivered(
    db: Database, telegram: RefusingTelegram, kind: str, request_id: str = "r"
) -> list[tuple[str, bool]]:
    """Send an answer of two messages, or of one that is edited, rich, or a file. Return the state of its parts."""
    piece = render("**bold** words")[0]
    first = payload(piece, thread_id=5, reply_to=9, edit=PLACEHOLDER if kind == "edit" else None, keyboard=KEYBOARD)
    if kind == "rich":
        rich = RichPart({"html": "<b>bold</b> words"}, KEYBOARD.to_dict(), 1)
        first = payload(piece, thread_id=5, reply_to=9, rich_part=rich, keyboard=KEYBOARD)
    parts = [first, payload(replace(piece, text="next words"), thread_id=5)]
    if kind == "file":
        parts.append(file_payload("**bold** words next words", thread_id=5))
    return await sent(db, telegram, GROUP, parts, request_id)


async def sent(
    db: Database, telegram: RefusingTelegram, chat: int, parts: Sequence[str], request_id: str = "r"
) -> list[tuple[str, bool]]:
    """Send these parts until nothing is left to do. Return the state of each, and whether it counts as shown."""

    def store(conn: Connection) -> None:
        outbox.put(conn, request_id, chat, parts, "mine", NOW, user_id=ASKER)

    await db.write(store)
    limiter = RateLimiter(burst=100, chat_seconds=0)
    bot = ExtBot("1:t", request=telegram, get_updates_request=telegram, rate_limiter=limiter)
    courier = Courier(bot, db, "mine", FixedClock(NOW))
    await courier.send(request_id)
    while courier._later:
        await next(iter(courier._later))
    sql = "SELECT state, shown FROM outbox WHERE request_id = :id ORDER BY seq"
    return [(each["state"], bool(each["shown"])) for each in await db.read(lambda conn: conn.rows(sql, id=request_id))]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "PAUSES", (0.001,))


FIELDS = [
    *((text, "message_thread_id") for text in THREAD),
    *((text, "reply_parameters") for text in REPLY),
    *((text, "reply_markup") for text in BUTTONS),
    *((text, "entities") for text in STYLES),
]
DELETED = NetworkError("Internal Server Error: sent message was immediately deleted and can't be returned")


@pytest.mark.parametrize("kind", ["send", "edit", "rich", "file"])
async def test_answer_arrives_once_without_what_was_refused(db: Database, kind: str) -> None:
    for text, field in FIELDS:
        telegram = RefusingTelegram(BadRequest(text), field)
        states = await delivered(db, telegram, kind, text)
        first = "rich" if kind == "rich" and field != "reply_markup" else "bold words"
        assert telegram.arrived == [(GROUP, each) for each in (first, "next words", *["file"] * (kind == "file"))], text
        assert {state for state, _ in states} == {"sent"}, text
        assert len(telegram.calls) <= 3 * len(states), text


@pytest.mark.parametrize("kind", ["send", "edit", "rich", "file"])
async def test_answer_arrives_once_in_private_if_the_group_takes_none(db: Database, kind: str) -> None:
    for error in (*map(BadRequest, NO_MESSAGES), *map(Forbidden, NO_MEMBER), DELETED):
        telegram = RefusingTelegram(error, chats=(GROUP,))
        states = await delivered(db, telegram, kind, repr(error))
        first = "rich" if kind == "rich" else "bold words"
        assert telegram.arrived == [(ASKER, each) for each in (first, "next words", *["file"] * (kind == "file"))], (
            error
        )
        assert {state for state, _ in states} == {"sent"}, error


async def test_answer_that_no_chat_takes_is_given_up_at_once(db: Database) -> None:
    for error in (*map(BadRequest, NO_MESSAGES), *map(Forbidden, NO_USER)):
        telegram = RefusingTelegram(error, chats=(GROUP, ASKER))
        assert await delivered(db, telegram, "send", repr(error)) == [("dropped", False)] * 2, error
        assert telegram.arrived == []
        assert len(telegram.calls) == 2


async def test_message_that_a_user_deleted_at_once_is_not_sent_again(db: Database) -> None:
    telegram = RefusingTelegram(DELETED, chats=(ASKER,))
    assert await sent(db, telegram, ASKER, [payload(render("words")[0], thread_id=None)]) == [("sent", False)]
    assert telegram.calls == ["sendMessage"]


async def test_refused_file_is_left_out_because_the_messages_have_its_text(db: Database) -> None:
    refusals = ("CHAT_SEND_DOCS_FORBIDDEN", "not enough rights to send documents to the chat", "file must be non-empty")
    for error in (*map(BadRequest, refusals), *map(Forbidden, NO_USER)):
        telegram = RefusingTelegram(error, "sendDocument")
        states = await delivered(db, telegram, "file", repr(error))
        assert [state for state, _ in states] == ["sent", "sent", "dropped"], error
        assert telegram.arrived == [(GROUP, "bold words"), (GROUP, "next words")]


@pytest.mark.parametrize("error", [TimedOut(), NetworkError("reset"), NetworkError("Bad Gateway"), InvalidToken()])
async def test_placeholder_is_edited_until_telegram_says_so_and_nothing_is_sent_twice(
    db: Database, error: TelegramError
) -> None:
    telegram = LosingTelegram(error)
    assert [state for state, _ in await delivered(db, telegram, "edit")] == ["sent", "sent"]
    assert telegram.calls == ["editMessageText", "editMessageText", "sendMessage"]


class LosingTelegram(RefusingTelegram):
    """Applies the first edit, and loses its answer; the same edit again modifies nothing."""

    def called(self, method: str, data: RequestData) -> None:  # noqa: ARG002 - the first two calls are the edits
        self.calls.append(method)
        if len(self.calls) == 1:
            raise self._error
        if len(self.calls) == 2:
            raise BadRequest("message is not modified: specified new message content and reply markup are the same")
