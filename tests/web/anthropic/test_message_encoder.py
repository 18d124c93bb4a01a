import json
from typing import Any

import pytest

from engine.chat import Delta, Event, Finish, Finished, ToolCallDelta, Usage
from engine.completion import Choice, Completion
from engine.tenancy import Charge
from web.anthropic.message_encoder import MessageEncoder
from web.errors import SERVER_ERROR

DONE = Completion("deepseek", "m", (Choice(""),), Usage(10, 5, cached_tokens=4))


def call(position: int, arguments: str = "", name: str = "") -> Delta:
    return Delta("", 0, (ToolCallDelta(position, f"c{position}" if name else "", name, arguments),))


def sent(*events: Event) -> list[Any]:
    """Return the events of a complete stream, after a check that each name equals its type."""
    encoder = MessageEncoder("r", 9)
    raw = encoder.begin("deepseek", "m") + b"".join(map(encoder.event, events)) + encoder.end(DONE, Charge())
    found = []
    for frame in raw.decode().split("\n\n")[:-1]:
        name, _, data = frame.partition("\n")
        found.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {found[-1]['type']}"
    return found


def blocks(*events: Event) -> list[tuple[str, str]]:
    """Return (kind, content) of each block, joined as by a client; a block must end before the next begins."""
    kinds: list[str] = []
    pieces: list[str] = []
    is_open = False
    for event in sent(*events):
        if event["type"] == "content_block_start":
            assert not is_open
            is_open = True
            assert event["index"] == len(kinds)
            kinds.append(event["content_block"]["type"])
            pieces.append("")
        elif event["type"] == "content_block_delta":
            assert is_open
            assert event["index"] == len(kinds) - 1
            delta = event["delta"]
            value = delta.get("text") or delta.get("partial_json") or delta.get("thinking") or ""
            pieces[-1] += value or f"<{delta['signature']}>"
        elif event["type"] == "content_block_stop":
            assert is_open
            is_open = False
    assert not is_open
    return list(zip(kinds, pieces, strict=True))


TABLE: list[tuple[list[Event], list[tuple[str, str]]]] = [
    ([], []),
    ([Delta("a"), Delta("b")], [("text", "ab")]),
    ([Delta(thinking="hm"), Delta(thinking_signature="s"), Delta("a")], [("thinking", "hm<s>"), ("text", "a")]),
    (
        [Delta(thinking="a"), Delta(thinking_signature="s"), Delta(thinking="b"), Delta(thinking_signature="t")],
        [("thinking", "a<s>"), ("thinking", "b<t>")],
    ),
    ([Delta(hides_thinking=True, redacted_thinking="x"), Delta("a")], [("redacted_thinking", ""), ("text", "a")]),
    ([Delta("a"), Delta(thinking="hm"), Delta("b")], [("text", "a"), ("thinking", "hm<unsigned>"), ("text", "b")]),
    ([Delta("a"), call(0, "{", "x"), call(0, "}")], [("text", "a"), ("tool_use", "{}")]),
    ([call(0, "{}", "x"), call(1, "[]", "y")], [("tool_use", "{}"), ("tool_use", "[]")]),
    ([call(0, "{", "x"), call(1, "[", "y"), call(0, "}"), call(1, "]")], [("tool_use", "{}"), ("tool_use", "[]")]),
    ([call(0, "{}", "x"), Delta("after"), Delta("wards")], [("tool_use", "{}"), ("text", "afterwards")]),
    ([call(0, "", "x")], [("tool_use", "")]),
]


@pytest.mark.parametrize(("events", "expected"), TABLE)
def test_one_block_is_open_at_a_time_and_nothing_is_lost(events: list[Event], expected: list[tuple[str, str]]) -> None:
    assert blocks(*events) == expected


def test_stream_begins_with_an_estimate_and_ends_with_the_usage() -> None:
    begin, *_, end, stop = sent(Delta("a"), Finished(Finish.LENGTH))
    assert (begin["message"]["usage"]["input_tokens"], begin["message"]["content"]) == (9, [])
    assert end["delta"] == {"stop_reason": "max_tokens", "stop_sequence": None}
    assert (end["usage"]["input_tokens"], end["usage"]["cache_read_input_tokens"]) == (6, 4)
    assert end["farthing"]["provider"] == "deepseek"
    assert stop == {"type": "message_stop"}


def test_error_is_an_event_of_its_own() -> None:
    raw = MessageEncoder("r", 9).error(SERVER_ERROR).decode()
    assert raw.startswith("event: error\n")
    assert json.loads(raw.partition("data: ")[2])["error"]["type"] == "api_error"
