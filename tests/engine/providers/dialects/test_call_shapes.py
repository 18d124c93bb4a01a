"""Forms of streamed tool calls from public reports: the provider's bytes become one clean stream of calls."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from engine.chat import Delta, Finish, Finished
from engine.errors import Garbled, StreamCut
from tests.engine.providers.dialects.call_streams import PARIS, PARIS_CALL, ROME, clean, kept
from tests.engine.providers.dialects.wires import Wire, data


def call(id: str | None = None, name: str | None = None, arguments: Any = None, index: Any = None) -> dict[str, Any]:  # noqa: A002
    """Return one entry of `tool_calls` with the given fields."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    found = {key: value for key, value in (("index", index), ("id", id)) if value is not None}
    return {**found, "type": "function", "function": function}


def calling(*calls: Mapping[str, Any], finish: str | None = None, field: str = "delta") -> dict[str, Any]:
    return {"choices": [{"index": 0, field: {"tool_calls": list(calls)}, "finish_reason": finish}]}


def done(finish: str | None = "tool_calls") -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}


async def from_openai(*frames: Any, end: str = "[DONE]") -> list[tuple[str, str, str]]:
    """Return the calls; the answer must end with `tool_calls`, however its provider ended it."""
    chunks = await Wire("local", data(*frames, end)).chunks()
    assert kept(chunks).events[-1] == Finished(Finish.TOOL_CALLS)
    return clean(chunks)


SHAPES: dict[str, tuple[list[Any], list[tuple[str, str, str]]]] = {
    "as OpenAI sends it": (
        [calling(call("a", "get_weather", "", 0)), calling(call(arguments='{"city":', index=0)),
         calling(call(arguments='"Paris"}', index=0)), done()],
        [PARIS_CALL],
    ),
    "a frame each without an index": (
        [calling(call("a", "get_weather", PARIS)), calling(call("b", "get_weather", ROME)), done()],
        [PARIS_CALL, ("b", "get_weather", ROME)],
    ),
    "pieces without an index": (
        [calling(call("a", "get_weather", "")), calling(call(arguments='{"city":')),
         calling(call(arguments='"Paris"}')), calling(call("b", "get_time", "")), calling(call(arguments="{}")),
         done()],
        [PARIS_CALL, ("b", "get_time", "{}")],
    ),
    "index 0 for all": (
        [calling(call("a", "get_weather", PARIS, 0)), calling(call("b", "get_weather", ROME, 0)), done("stop")],
        [PARIS_CALL, ("b", "get_weather", ROME)],
    ),
    "both in one frame at index 0": (
        [calling(call("a", "get_weather", PARIS, 0), call("b", "get_time", "{}", 0), finish="stop")],
        [PARIS_CALL, ("b", "get_time", "{}")],
    ),
    "name and id in each delta": (
        [calling(call("a", "get_weather", "", 0)), calling(call("a", "get_weather", '{"city":', 0)),
         calling(call("a", "get_weather", '"Paris"}', 0)), done()],
        [PARIS_CALL],
    ),
    "name in each delta without id or index": (
        [calling(call("a", "get_weather", '{"city":')), calling(call(None, "get_weather", '"Paris"}')), done()],
        [PARIS_CALL],
    ),
    "another id in each delta": (
        [calling(call("a", "get_weather", "", 0)), calling(call("x", None, '{"city":', 0)),
         calling(call("y", "get_weather", '"Paris"}', 0)), done()],
        [PARIS_CALL],
    ),
    "name split": (
        [calling(call("a", "get_", "", 0)), calling(call(None, "weather", "", 0)),
         calling(call(None, None, PARIS, 0)), done()],
        [PARIS_CALL],
    ),
    "name grows": (
        [calling(call("a", "get", "", 0)), calling(call("a", "get_weather", PARIS, 0)), done()],
        [PARIS_CALL],
    ),
    "arguments as an object": ([calling(call("a", "get_weather", {"city": "Paris"}, 0)), done()], [PARIS_CALL]),
    "arguments null": ([calling(call("a", "get_time", None, 0)), done()], [("a", "get_time", "{}")]),
    "arguments empty": ([calling(call("a", "get_time", "", 0)), done("stop")], [("a", "get_time", "{}")]),
    "no arguments twice": (
        [calling(call("a", "get_time", "", 0)), calling(call("b", "get_date", "", 1)), done()],
        [("a", "get_time", "{}"), ("b", "get_date", "{}")],
    ),
    "placeholder before the arguments": (
        [calling(call("a", "get_weather", "{}", 0)), calling(call(None, None, '{"city":', 0)),
         calling(call(None, None, '"Paris"}', 0)), done()],
        [PARIS_CALL],
    ),
    "placeholder joined to the arguments": ([calling(call("a", "get_weather", "{}" + PARIS, 0)), done()], [PARIS_CALL]),
    "whole call again at the end": (
        [calling(call("a", "get_weather", '{"city":', 0)), calling(call(None, None, '"Paris"}', 0)),
         calling(call("a", "get_weather", PARIS, 0), finish="tool_calls")],
        [PARIS_CALL],
    ),
    "all calls again in the last message": (
        [calling(call("a", "get_weather", PARIS, 0)), calling(call("b", "get_weather", ROME, 1)),
         calling(call("c", "get_weather", PARIS), call("d", "get_weather", ROME), field="message"), done()],
        [PARIS_CALL, ("b", "get_weather", ROME)],
    ),
    "calls in a whole message": (
        [calling(call("a", "get_weather", PARIS), call("b", "get_time", {}), field="message", finish="tool_calls")],
        [PARIS_CALL, ("b", "get_time", "{}")],
    ),
    "calls after the end": ([done("stop"), calling(call("a", "get_weather", PARIS, 0))], [PARIS_CALL]),
    "no end": ([calling(call("a", "get_weather", PARIS, 0))], [PARIS_CALL]),
    "index from 1": (
        [calling(call("a", "get_weather", PARIS, 1)), calling(call("b", "get_weather", ROME, 4)), done()],
        [PARIS_CALL, ("b", "get_weather", ROME)],
    ),
    "index as text": (
        [calling(call("a", "get_weather", '{"city":', "0")), calling(call(None, None, '"Paris"}', "0")), done()],
        [PARIS_CALL],
    ),
    "index that counts the pieces": (
        [calling(call("a", "get_weather", "", 0)), calling(call(None, None, '{"city":', 1)),
         calling(call(None, None, '"Paris"}', 2)), done()],
        [PARIS_CALL],
    ),
    "interleaved": (
        [calling(call("a", "get_weather", "", 0), call("b", "get_weather", "", 1)),
         calling(call(None, None, '{"city":', 0), call(None, None, '{"city":', 1)),
         calling(call(None, None, '"Paris"}', 0)), calling(call(None, None, '"Rome"}', 1)), done()],
        [PARIS_CALL, ("b", "get_weather", ROME)],
    ),
    "id after the name": (
        [calling(call(None, "get_weather", "", 0)), calling(call("a", None, PARIS, 0)), done()], [PARIS_CALL],
    ),
    "empty entries beside text": (
        [calling(call("", "", "", 0)), calling(call("a", "get_weather", PARIS, 0)), done()], [PARIS_CALL],
    ),
    "escaped quotes and braces": (
        [calling(call("a", "get_weather", '{"city":"}\\', 0)), calling(call(None, None, '"{"}', 0)), done()],
        [("a", "get_weather", '{"city":"}\\"{"}')],
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
async def test_every_shape_becomes_one_clean_stream(shape: str) -> None:
    frames, expected = SHAPES[shape]
    assert await from_openai(*frames) == expected


NEW_ID = re.compile(r"call_[A-Za-z0-9]{24}")


@pytest.mark.parametrize(
    "frames",
    [
        [calling(call(None, "get_weather", PARIS, 0), call(None, "get_weather", ROME, 1))],
        [calling(call(None, "get_weather", PARIS)), calling(call(None, "get_weather", ROME))],
        [calling(call(None, "get_weather", ""), call(None, "get_time", ""))],
        [calling(call("", "get_weather", PARIS, 0)), calling(call("", "get_weather", ROME, 0))],
        [{"choices": [{"delta": {"function_call": {"name": "get_weather", "arguments": '{"city":'}}}]},
         {"choices": [{"delta": {"function_call": {"arguments": '"Paris"}'}}}]}, done("function_call")],
    ],
)  # fmt: skip
async def test_call_without_an_id_gets_one_of_its_own(frames: list[Any]) -> None:
    seen = [id_ for _ in range(3) for id_, _, _ in await from_openai(*frames, done("stop"))]
    assert all(NEW_ID.fullmatch(id_) for id_ in seen)
    assert len(set(seen)) == len(seen)


async def test_id_that_repeats_in_an_answer_is_replaced() -> None:
    found = await from_openai(calling(call("a", "get_weather", PARIS, 0), call("a", "get_time", "{}", 1)), done())
    assert [name for _, name, _ in found] == ["get_weather", "get_time"]
    assert found[0][0] == "a"
    assert NEW_ID.fullmatch(found[1][0])


@pytest.mark.parametrize("finish", ["tool_calls", "stop"])
async def test_half_a_call_is_never_whole(finish: str) -> None:
    half = calling(call("a", "get_weather", '{"city":"Pa', 0))
    chunks = await Wire("openai", data(half, done(finish), "[DONE]")).chunks()
    assert kept(chunks).events[-1] == Finished(Finish.LENGTH)
    with pytest.raises(StreamCut):
        await Wire("openai", data(half, "[DONE]")).chunks()


@pytest.mark.parametrize(
    "frames",
    [
        [calling(call("a", None, PARIS, 0)), done()],
        [calling(*(call(None, "f", "{}", n) for n in range(129)))],
        [calling(*(call(f"i{n}", "f", "{}") for n in range(64))) for _ in range(1)]
        + [calling(*(call(f"j{n}", "f", "{}") for n in range(65)))],
    ],
)
async def test_calls_without_a_name_or_an_end_are_garbled(frames: list[Any]) -> None:
    with pytest.raises(Garbled):
        await Wire("openai", data(*frames, done(), "[DONE]")).chunks()


async def test_calls_of_several_choices_are_apart() -> None:
    def of(index: int, id_: str, city: str) -> dict[str, Any]:
        return {"index": index, "delta": {"tool_calls": [call(id_, "get_weather", city, 0)]}, "finish_reason": "stop"}

    chunks = await Wire("openai", data({"choices": [of(1, "b", ROME), of(0, "a", PARIS)]}, "[DONE]")).chunks()
    for index, expected in ((0, PARIS_CALL), (1, ("b", "get_weather", ROME))):
        assert clean([each for each in chunks if isinstance(each, Delta) and each.index == index]) == [expected]
