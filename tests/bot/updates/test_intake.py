"""What may come as an update, and must not keep away what comes after it."""

import json
from typing import Any

import pytest

from bot.updates.intake import incoming_of, number_of
from bot.updates.merging import belongs, waits
from bot.updates.polling import confirming
from storage.telegram.inbox import CHAT, NOW


@pytest.mark.parametrize("number", [None, "5", 2**63, -1, 1.5, [1]])
def test_what_has_no_number_is_no_update(number: Any) -> None:
    assert number_of({"update_id": number}) is None
    assert incoming_of({"update_id": number}) is None
    assert confirming([{"update_id": number}, {"update_id": 5}]) == 6


@pytest.mark.parametrize("message", [None, [], 5, "x", {}, {"chat": None}, {"chat": 5}, {"chat": []}])
def test_a_message_of_no_chat_is_stored_like_any_other_update(message: Any) -> None:
    incoming = incoming_of({"update_id": 5, "message": message})
    assert incoming is not None
    assert (incoming.update_id, incoming.lane) == (5, NOW)


def test_halves_of_characters_and_nul_are_left_out_before_a_database_refuses_them() -> None:
    said = {"chat": {"id": 7}, "text": "a\ud800b\0c \\u0000", "from": {"last_name": ["\udfff"]}}
    incoming = incoming_of({"update_id": 5, "message": said})
    assert incoming is not None
    assert incoming.payload.encode()
    assert (incoming.chat_key, incoming.lane) == ("7:0", CHAT)
    read = json.loads(incoming.payload)["message"]
    assert (read["text"], read["from"]) == ("abc \\u0000", {"last_name": [""]})


def test_what_is_sent_by_no_person_is_joined_to_nothing() -> None:
    odd: Any = {"message": {"from": [], "media_group_id": {"a": 1}, "text": ["x"]}}
    assert waits(odd)
    assert belongs(odd, odd)
