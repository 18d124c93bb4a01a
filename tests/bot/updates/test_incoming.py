import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from telegram.ext import ExtBot

from bot.updates.incoming import alone, handler_in_span, incoming_of, number_of, read
from bot.updates.merging import continues, wait_seconds
from bot.updates.polling import next_offset
from storage.telegram.inbox import CHAT, NOW, ClaimedUpdate, IncomingUpdate


@pytest.mark.parametrize("number", [None, "5", 2**63, -1, 1.5, [1]])
def test_update_without_a_valid_id_is_not_stored(number: Any) -> None:
    assert number_of({"update_id": number}) is None
    assert incoming_of({"update_id": number}) is None
    assert next_offset([{"update_id": number}, {"update_id": 5}]) == 6


@pytest.mark.parametrize("message", [None, [], 5, "x", {}, {"chat": None}, {"chat": 5}, {"chat": []}])
def test_message_without_a_chat_is_handled_at_once(message: Any) -> None:
    incoming = incoming_of({"update_id": 5, "message": message})
    assert incoming is not None
    assert (incoming.update_id, incoming.lane) == (5, NOW)


@pytest.mark.parametrize(
    ("stored", "claimed", "found"),
    [
        ([(5, "7:0")], [(5, "7:0")], {"7:0"}),
        ([(5, "7:0"), (6, "8:0")], [(5, "7:0"), (6, "8:0")], {"7:0", "8:0"}),
        ([(5, "7:0"), (6, "7:0")], [(5, "7:0")], set()),
        ([(5, "7:0")], [(4, "7:0")], set()),  # an older one was left
    ],
)
def test_claimed_update_is_alone_without_others_of_its_chat(
    stored: list[tuple[int, str]], claimed: list[tuple[int, str]], found: set[str]
) -> None:
    fresh = [IncomingUpdate(number, chat, CHAT, "{}") for number, chat in stored]
    now = datetime.now(UTC)
    claims = [ClaimedUpdate(number, number, chat, "{}", 1, now) for number, chat in claimed]
    assert alone(fresh, claims) == found


def test_lone_surrogates_and_nul_are_removed_before_storing() -> None:
    said = {"chat": {"id": 7}, "text": "a\ud800b\0c \\u0000", "from": {"last_name": ["\udfff"]}}
    incoming = incoming_of({"update_id": 5, "message": said})
    assert incoming is not None
    assert incoming.payload.encode()
    assert (incoming.chat_key, incoming.lane) == ("7:0", CHAT)
    read = json.loads(incoming.payload)["message"]
    assert (read["text"], read["from"]) == ("abc \\u0000", {"last_name": [""]})


def test_lowest_and_highest_ids_are_valid() -> None:
    assert [number_of({"update_id": number}) for number in (0, 2**63 - 1)] == [0, 2**63 - 1]


def test_malformed_senders_and_texts_do_not_fail() -> None:
    odd: Any = {"message": {"from": [], "media_group_id": {"a": 1}, "text": ["x"]}}
    assert wait_seconds([odd])
    assert continues([odd], odd)


BOT: ExtBot[Any] = ExtBot("1:x")
ANN = {"id": 11, "is_bot": False, "first_name": "Ann"}
PRIVATE_CHAT = {"id": 11, "type": "private"}
SOUND = {"message_id": 1, "date": 1, "chat": PRIVATE_CHAT, "from": ANN, "text": "a secret of Ann's"}


@pytest.mark.parametrize(
    "body",
    [
        {"pre_checkout_query": {}},
        {"message": {}},
        {"message": 5},
        {"message": {name: value for name, value in SOUND.items() if name != "date"}},
        {"message": {name: value for name, value in SOUND.items() if name != "from"}},
        {"message": {name: value for name, value in SOUND.items() if name != "chat"}},
        {"message": {**SOUND, "date": "a secret of Ann's"}},
        {"message": {**SOUND, "text": 5}},
        {"callback_query": {"id": "1"}},
        {"callback_query": {"id": "1", "chat_instance": "1"}},
    ],
    ids=str,
)
def test_malformed_update_is_one_warning_without_its_text(
    body: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert read({"update_id": 5, **body}, BOT) is None
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.exc_info is None
    assert "update 5 is malformed" in record.getMessage()
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    "body",
    [
        {"message": SOUND},
        {"callback_query": {"id": "1", "from": ANN, "chat_instance": "1"}},
        {"stopped_message_generation": {"chat": PRIVATE_CHAT, "draft_id": "5"}},
        {"a_kind_of_next_year": {"x": 1}},
        {"channel_post": {"message_id": 1, "date": 1, "chat": {"id": -1, "type": "channel", "title": "C"}}},
    ],
    ids=str,
)
def test_valid_or_unknown_update_is_read(body: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    assert read({"update_id": 5, **body}, BOT) is not None
    assert caplog.records == []


@pytest.mark.parametrize(
    ("update", "kind"),
    [({"update_id": 1, "message": {}}, "message"), ({"update_id": 1, "a_tenants_word": {}}, "update")],
)
async def test_update_is_handled_within_the_span_of_its_kind(update: dict[str, Any], kind: str) -> None:
    steps: list[object] = []

    @contextmanager
    def span(name: str) -> Iterator[None]:
        steps.append(name)
        yield
        steps.append("ended")

    async def handle(payload: dict[str, Any]) -> None:
        steps.append(payload)

    await handler_in_span(handle, span)(update)
    assert steps == [kind, update, "ended"]


OLD_POLL = {"id": "1", "question": "Tea?", "options": [], "type": "regular"}  # lacks fields that PTB needs


@pytest.mark.parametrize("kind", ["message", "edited_message"])
def test_message_with_a_part_that_can_not_be_read_keeps_the_rest(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    update = read({"update_id": 5, kind: {**SOUND, "poll": OLD_POLL, "effect_id": "7"}}, BOT)
    assert update is not None
    message = update.effective_message
    assert message is not None
    assert (message.text, message.poll, message.effect_id) == ("a secret of Ann's", None, "7")
    assert "read in part" in caplog.text
    assert "secret" not in caplog.text


def test_message_with_several_parts_that_can_not_be_read_keeps_its_sender() -> None:
    update = read({"update_id": 5, "message": {**SOUND, "poll": OLD_POLL, "dice": {"emoji": 5}}}, BOT)
    assert update is not None
    assert update.effective_user is not None


def test_button_under_a_message_that_can_not_be_read_in_full_works() -> None:
    query = {"id": "1", "chat_instance": "1", "from": ANN, "data": "x", "message": {**SOUND, "poll": OLD_POLL}}
    update = read({"update_id": 5, "callback_query": query}, BOT)
    assert update is not None
    assert update.callback_query is not None
    assert update.callback_query.data == "x"


def test_payment_is_never_left_out_of_a_message() -> None:
    message = {name: value for name, value in SOUND.items() if name != "text"}
    assert read({"update_id": 5, "message": {**message, "successful_payment": {"currency": "XTR"}}}, BOT) is None


POLL = {
    **OLD_POLL, "options": [{"text": "Yes", "voter_count": 0}], "total_voter_count": 0, "is_closed": False,
    "is_anonymous": True, "allows_multiple_answers": False,
}  # fmt: skip


def test_poll_of_an_older_bot_api_server_is_read() -> None:
    reply = {**SOUND, "poll": POLL}
    update = read({"update_id": 5, "message": {**SOUND, "poll": POLL, "reply_to_message": reply}}, BOT)
    assert update is not None
    message = update.message
    assert message is not None
    assert message.poll is not None
    assert [option.text for option in message.poll.options] == ["Yes"]
    assert message.reply_to_message is not None
    assert message.reply_to_message.poll is not None
