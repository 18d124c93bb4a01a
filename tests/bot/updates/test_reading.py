import logging
from typing import Any

import pytest
from telegram.ext import ExtBot

from bot.updates import reading

BOT: ExtBot[Any] = ExtBot("1:x")
ANN = {"id": 11, "is_bot": False, "first_name": "Ann"}
CHAT = {"id": 11, "type": "private"}
SOUND = {"message_id": 1, "date": 1, "chat": CHAT, "from": ANN, "text": "a secret of Ann's"}


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
def test_a_malformed_update_is_one_warning_without_anybodys_words(
    body: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert reading.read({"update_id": 5, **body}, BOT) is None
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
        {"stopped_message_generation": {"chat": CHAT, "draft_id": "5"}},
        {"a_kind_of_next_year": {"x": 1}},
        {"channel_post": {"message_id": 1, "date": 1, "chat": {"id": -1, "type": "channel", "title": "C"}}},
    ],
    ids=str,
)
def test_what_is_sound_or_new_is_read(body: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    assert reading.read({"update_id": 5, **body}, BOT) is not None
    assert caplog.records == []
