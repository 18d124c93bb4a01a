"""Tool calls of Claude and Gemini: the provider's bytes become one clean stream of calls."""

import json
from typing import Any

import pytest

from engine.chat import Delta, Finish, Finished
from engine.errors import ProviderError
from engine.providers import tool_ids
from tests.engine.providers.dialects.call_streams import PARIS, PARIS_CALL, ROME, clean, kept
from tests.engine.providers.dialects.frames import START, STOP, ended, event, frame
from tests.engine.providers.dialects.wires import Wire, data, text


def block(index: int, **fields: Any) -> str:
    return event("content_block_start", index=index, content_block={"type": "tool_use", "input": {}, **fields})


def typed(index: int, piece: str) -> str:
    return event("content_block_delta", index=index, delta={"type": "input_json_delta", "partial_json": piece})


@pytest.mark.parametrize(
    "body",
    [
        [block(1, id="a", name="get_weather"), typed(1, ""), typed(1, '{"city":'), typed(1, '"Paris"}')],
        [block(1, id="a", name="get_weather", input={"city": "Paris"})],
        [block(1, id="a", name="get_weather", input={"city": "?"}), typed(1, PARIS)],
        [block(3, id="a", name="get_weather"), typed(3, PARIS)],
    ],
)
async def test_calls_of_claude_are_clean(body: list[str]) -> None:
    chunks = await Wire("anthropic", "".join([START, *body, ended("tool_use", output_tokens=5), STOP])).chunks()
    assert clean(chunks) == [PARIS_CALL]
    assert kept(chunks).events[-1] == Finished(Finish.TOOL_CALLS)


async def test_call_of_claude_without_input_is_an_empty_object() -> None:
    body = START + block(0, id="a", name="get_time") + ended("tool_use", output_tokens=5) + STOP
    assert clean(await Wire("anthropic", body).chunks()) == [("a", "get_time", "{}")]


async def test_answer_through_a_forced_tool_is_text() -> None:
    body = [block(0, id="a", name=tool_ids.ANSWER_TOOL), typed(0, '{"city":'), typed(0, '"Paris"}')]
    chunks = await Wire("anthropic", "".join([START, *body, ended("tool_use", output_tokens=5), STOP])).chunks()
    made = kept(chunks)
    assert [each.text for each in made.events if isinstance(each, Delta)] == ['{"city":', '"Paris"}']
    assert made.events[-1] == Finished(Finish.STOP)
    content = [{"type": "tool_use", "id": "a", "name": tool_ids.ANSWER_TOOL, "input": {"city": "Paris"}}]
    whole = {"type": "message", "model": "m", "stop_reason": "tool_use", "content": content}
    assert text(await Wire("anthropic", json.dumps(whole)).chunks()) == PARIS


def wanted(city: str, **fields: Any) -> dict[str, Any]:
    return {"functionCall": {"name": "get_weather", "args": {"city": city}}, **fields}


async def test_calls_of_gemini_without_ids_get_unique_ones_in_every_turn() -> None:
    body = data(frame(wanted("Paris")), frame(wanted("Rome"), wanted("Oslo"), finish="STOP"))
    turns = [clean(await Wire("gemini", body).chunks()) for _ in range(2)]
    assert [[arguments for _, _, arguments in turn] for turn in turns] == [[PARIS, ROME, '{"city":"Oslo"}']] * 2
    ids = [id_ for turn in turns for id_, _, _ in turn]
    assert len(set(ids)) == 6


async def test_signature_of_gemini_travels_in_the_id() -> None:
    part = {"functionCall": {"id": "c-1", "name": "get_weather", "args": {}}, "thoughtSignature": "c2lnbmVk"}
    chunks = await Wire("gemini", data(frame(part, finish="STOP"))).chunks()
    [(id_, _, arguments)] = clean(chunks)
    assert (tool_ids.plain(id_), tool_ids.signature_in(id_), arguments) == ("c-1", "c2lnbmVk", "{}")
    made = kept(chunks)
    [delta, end] = made.events
    assert isinstance(delta, Delta)
    assert (delta.tool_calls[0].signature, end) == ("c2lnbmVk", Finished(Finish.TOOL_CALLS))


@pytest.mark.parametrize("call_part", [{"functionCall": {"args": {"a": 1}}}, {"functionCall": 7}, {"functionCall": []}])
async def test_odd_call_of_gemini_is_no_answer(call_part: dict[str, Any]) -> None:
    with pytest.raises(ProviderError):
        kept(await Wire("gemini", data(frame(call_part, finish="STOP"))).chunks())
