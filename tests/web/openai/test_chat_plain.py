"""Plain requests give the same result as when read field by field; all others are left to that code."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EngineError
from web.openai import chat_request
from web.openai.chat import plain_chat

HELLO = {"role": "user", "content": "hello"}
PLAIN: dict[str, Any] = {"model": "auto", "messages": [HELLO]}


def encoded(**fields: Any) -> bytes:
    return json.dumps({**PLAIN, **fields}).encode()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"messages": [{"role": "developer", "content": "be kind"}, HELLO, {"role": "assistant", "content": ""}, HELLO]},
        {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}},
        {"max_tokens": 5, "max_completion_tokens": 7, "temperature": 1, "top_p": 0.5, "n": 1, "user": "u"},
        {"frequency_penalty": -2, "presence_penalty": 1.5, "stream": None, "temperature": None},
    ],
)
def test_plain_request_is_read_at_once(fields: dict[str, Any]) -> None:
    plain = plain_chat(encoded(**fields))
    assert plain is not None
    assert plain.request("r", 7) == chat_request.chat_request({**PLAIN, **fields}, id="r", key_id=7)


OTHERS: tuple[dict[str, Any], ...] = (
    {"tools": []},
    {"service_tier": "flex"},
    {"n": 2},
    {"functions": []},
    {"model": ""},
    {"model": "a\nb"},
    {"model": "x" * 1000},
    {"messages": []},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]},
    {"messages": [{"role": "tool", "content": "hi", "tool_call_id": "c"}]},
    {"messages": [{**HELLO, "name": "Ann"}]},
    {"messages": [{"role": "assistant", "content": None}]},
    {"max_tokens": 0},
    {"temperature": 2.1},
    {"temperature": True},
    {"stream": "yes"},
)


@pytest.mark.parametrize(
    "raw",
    [
        *(encoded(**fields) for fields in OTHERS),
        b"",
        b"[]",
        b'{"model": "auto"',
        b'\xff{"model": "auto", "messages": [{"role": "user", "content": "hello"}]}',
        b'{"model": "auto", "messages": [{"role": "user", "content": "\\ud800"}]}',
        b"[" * 100_000,
    ],
)
def test_other_request_is_left_to_the_reader_of_fields(raw: bytes) -> None:
    assert plain_chat(raw) is None


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**7 + 1),
    st.floats(-3, 3),
    st.text(max_size=3),
    st.lists(st.just(HELLO), max_size=2),
    st.dictionaries(st.sampled_from(["include_usage", "x"]), st.booleans(), max_size=2),
)
OPTIONS = ["max_tokens", "max_completion_tokens", "temperature", "top_p", "frequency_penalty", "presence_penalty", "n"]
NAMES = st.sampled_from(["model", "messages", "stream", "stream_options", "user", "seed", "store", *OPTIONS])


@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_no_request_is_read_otherwise_than_field_by_field(fields: dict[str, Any]) -> None:
    body = {**PLAIN, **fields}
    plain = plain_chat(json.dumps(body).encode())
    if plain is None:
        return
    try:
        expected = chat_request.chat_request(body, id="r", key_id=7)
    except EngineError as error:
        raise AssertionError(body) from error
    assert plain.request("r", 7) == expected
    assert bool(plain.stream) == chat_request.wants_stream(body)
    assert plain.wants_usage == chat_request.wants_usage(body)
