"""Parameters of Bot API calls: numbers, flags, JSON, keyboards."""

import json
from typing import Any

import pytest

from sandbox.telegram.params import MOST_KEYS, decoded, is_true, markup, number, required
from sandbox.telegram.refusals import TABLE, BotApiError


def refused(name: str, **values: Any) -> str:
    return TABLE[name][1].format(**values)


@pytest.mark.parametrize(
    ("value", "expected"), [("True", True), ("1", True), (True, True), ("no", False), (None, False)]
)
def test_flag_is_read_as_telegram_reads_it(value: Any, expected: bool) -> None:
    assert is_true(value) is expected


@pytest.mark.parametrize(("raw", "expected"), [("7", 7), ("-7", -7), ("", 0), ("7.5", 0), ("x", 0), ("1" * 20, 0)])
def test_text_that_is_no_number_counts_as_zero(raw: str, expected: int) -> None:
    assert number({"n": raw}, "n") == expected
    assert number({}, "n") == 0


def test_missing_field_is_refused_by_name() -> None:
    assert required({"text": "a"}, "text") == "a"
    for field, why in (("text", "text is required"), ("chat_id", "chat_id is empty")):
        with pytest.raises(BotApiError, match=why):
            required({field: ""}, field)


def test_json_field_has_its_type_or_is_refused() -> None:
    assert decoded({}, "x", list) == []
    assert decoded({"x": "[1]"}, "x", list) == [1]
    for raw in ("{", "{}"):
        with pytest.raises(BotApiError) as raised:
            decoded({"x": raw}, "x", list)
        assert raised.value.description == refused("not_json", field="x")


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("{", "markup_json"),
        ("[]", "markup"),
        ('{"inline_keyboard": {}}', "keyboard_rows"),
        ('{"inline_keyboard": [{}]}', "keyboard_rows"),
        ('{"inline_keyboard": [["x"]]}', "key_object"),
        ('{"inline_keyboard": [[{"url": "https://a.b"}]]}', "key_text"),
        ('{"inline_keyboard": [[{"text": "a"}]]}', "key_action"),
        (json.dumps({"inline_keyboard": [[{"text": "a", "callback_data": "x" * 65}]]}), "key_data"),
        ('{"inline_keyboard": [[{"text": "a", "url": "a.b"}]]}', "key_url"),
        (json.dumps({"inline_keyboard": [[{"text": "a", "copy_text": {"text": "x" * 257}}]]}), "key_copy"),
    ],
)
def test_wrong_keyboard_is_refused(raw: str, name: str) -> None:
    with pytest.raises(BotApiError) as raised:
        markup({"reply_markup": raw})
    assert raised.value.description == refused(name)


def test_keyboard_has_a_hundred_buttons_at_most() -> None:
    key = {"text": "a", "callback_data": "x" * 64}
    full = {"inline_keyboard": [[key] * MOST_KEYS]}
    assert markup({"reply_markup": json.dumps(full)}) == full
    with pytest.raises(BotApiError) as raised:
        markup({"reply_markup": json.dumps({"inline_keyboard": [[key] * MOST_KEYS, [key]]})})
    assert raised.value.description == refused("keyboard_size")


def test_no_keyboard_is_none() -> None:
    assert (markup({}), markup({"reply_markup": ""})) == (None, None)


@pytest.mark.parametrize(
    ("url", "chat_id", "name"),
    [("https://e.org/app", "-100500", "key_type"), ("http://e.org/app", "1001", "key_app_url")],
)
def test_mini_app_opens_from_private_chats_and_over_https_only(url: str, chat_id: str, name: str) -> None:
    keyboard = json.dumps({"inline_keyboard": [[{"text": "a", "web_app": {"url": url}}]]})
    with pytest.raises(BotApiError) as refused:
        markup({"chat_id": chat_id, "reply_markup": keyboard})
    assert refused.value.description == TABLE[name][1].format(url=url)
    assert markup({"chat_id": "1001", "reply_markup": keyboard.replace("http:", "https:")}) is not None
