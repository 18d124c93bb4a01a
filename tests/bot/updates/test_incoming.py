import json
from typing import Any

import pytest

from bot.updates.incoming import incoming_of, number_of
from bot.updates.polling import next_offset
from storage.telegram.inbox import CHAT, NOW


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
