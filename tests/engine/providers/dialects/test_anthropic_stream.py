import json

import pytest

from engine.chat import Finish, Served
from engine.errors import Garbled, Overloaded, RateLimited, StreamCut
from tests.engine.providers.dialects.frames import START, STOP, ended, event, said
from tests.engine.providers.dialects.wires import Wire, calls, finishes, text, usage


async def test_named_events_and_pings_are_read_to_the_end() -> None:
    body = (START + event("ping") + said("Chào ") + said("🌊") + ended("end_turn", output_tokens=4) + STOP).encode()
    for width in (1, 3, len(body)):
        found = await Wire("anthropic", [body[n : n + width] for n in range(0, len(body), width)]).chunks()
        assert (text(found), finishes(found)) == ("Chào 🌊", [Finish.STOP])
        assert Served("claude-haiku-4-5") in found


async def test_stream_without_an_end_or_a_stop_reason_is_cut() -> None:
    assert text(await Wire("anthropic", START + said("a") + ended("end_turn", output_tokens=1)).chunks()) == "a"
    for body in ("", START, START + said("a")):
        with pytest.raises(StreamCut):
            await Wire("anthropic", body).chunks()


@pytest.mark.parametrize(
    ("reason", "ours"),
    [
        ("end_turn", Finish.STOP),
        ("stop_sequence", Finish.STOP),
        ("pause_turn", Finish.STOP),
        ("tool_use", Finish.TOOL_CALLS),
        ("max_tokens", Finish.LENGTH),
        ("model_context_window_exceeded", Finish.LENGTH),
        ("refusal", Finish.REFUSED),
        ("something_new", Finish.STOP),
    ],
)
async def test_stop_reason_is_mapped_to_a_finish(reason: str, ours: Finish) -> None:
    assert finishes(await Wire("anthropic", START + said("a") + ended(reason) + STOP).chunks()) == [ours]


async def test_usage_is_replaced_not_added_and_inputs_are_disjoint() -> None:
    start = event(
        "message_start",
        message={
            "usage": {
                "input_tokens": 10,
                "cache_read_input_tokens": 20,
                "cache_creation_input_tokens": 30,
                "output_tokens": 1,
            }
        },
    )
    last = ended("end_turn", output_tokens=7, output_tokens_details={"thinking_tokens": 2}, input_tokens=None)
    found = usage(await Wire("anthropic", start + said("a") + ended(None, output_tokens=3) + last + STOP).chunks())
    assert found is not None
    assert (found.input_tokens, found.output_tokens) == (60, 7)
    assert (found.cached_tokens, found.cache_write_tokens, found.reasoning_tokens) == (20, 30, 2)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("overloaded_error", Overloaded), ("api_error", Overloaded), ("rate_limit_error", RateLimited)],
)
async def test_error_event_within_a_stream_is_raised(kind: str, expected: type[Exception]) -> None:
    with pytest.raises(expected):
        await Wire("anthropic", START + said("a") + event("error", error={"type": kind, "message": "x"})).chunks()


async def test_tool_calls_come_in_pieces_after_thinking() -> None:
    body = (
        START
        + event("content_block_start", index=0, content_block={"type": "thinking", "thinking": ""})
        + event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "hm"})
        + event("content_block_start", index=1, content_block={"type": "tool_use", "id": "t", "name": "look"})
        + event("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": '{"a"'})
        + event("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": ": 1}"})
        + ended("tool_use")
        + STOP
    )
    found = await Wire("anthropic", body).chunks()
    assert (calls(found), finishes(found)) == ([("look", '{"a": 1}')], [Finish.TOOL_CALLS])


@pytest.mark.parametrize("indent", [None, 2])
async def test_whole_message_of_a_server_that_ignores_stream_is_read(indent: int | None) -> None:
    whole = {
        "type": "message",
        "model": "claude-haiku-4-5",
        "content": [
            {"type": "text", "text": "whole"},
            {"type": "tool_use", "id": "t", "name": "go", "input": {"a": 1}},
        ],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }
    found = await Wire("anthropic", json.dumps(whole, indent=indent)).chunks()
    assert (text(found), calls(found), finishes(found)) == ("whole", [("go", '{"a":1}')], [Finish.TOOL_CALLS])
    assert usage(found) is not None


@pytest.mark.parametrize(
    "bad",
    [
        event("message_start", message=5),
        event("content_block_delta", index=0, delta="x"),
        event("content_block_start", index=0, content_block=[1]),
        event("message_delta", delta=7),
    ],
)
async def test_event_of_another_shape_is_garbled(bad: str) -> None:
    with pytest.raises(Garbled):
        await Wire("anthropic", START + bad + STOP).chunks()
