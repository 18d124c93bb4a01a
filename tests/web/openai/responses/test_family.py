"""/v1/responses, with the real `openai` client."""

import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.web.conftest import RunningApi

ASKED = "tell me about the sea, at length"
TOOL: Any = {
    "type": "function",
    "name": "look",
    "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
    "strict": False,
}
PIXEL = "data:image/png;base64,iVBORw0KGgo="
MODELS = ["deepseek/deepseek-v4-flash", "gemini/gemini-2.5-flash-lite", "anthropic/claude-haiku-4-5", "gpt-4o"]


class Word(BaseModel):
    word: str


@pytest.mark.parametrize("model", [*MODELS, "auto"])
async def test_every_dialect_answers_whole_and_streamed_alike(api: RunningApi, model: str) -> None:
    async with api.ai() as ai:
        whole = await ai.responses.create(model=model, input=ASKED)
        async with ai.responses.stream(model=model, input=ASKED) as stream:
            events = [event async for event in stream]
            streamed = await stream.get_final_response()
    assert (whole.status, whole.object, whole.error) == ("completed", "response", None)
    assert "stand-in for" in whole.output_text
    assert streamed.output_text == whole.output_text
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == whole.output_text
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert whole.usage is not None
    assert whole.usage.total_tokens == whole.usage.input_tokens + whole.usage.output_tokens > 0
    assert (whole.usage.model_extra or {})["cost"] >= 0
    assert (whole.model_extra or {})["farthing"]["model"] == whole.model
    await api.check_books()


@pytest.mark.parametrize("model", MODELS)
async def test_tool_calls_are_answered_by_their_id(api: RunningApi, model: str) -> None:
    asked: Any = {"model": model, "tools": [TOOL], "tool_choice": "required"}
    async with api.ai() as ai:
        whole = await ai.responses.create(input="use the tool look", **asked)
        [call] = [item for item in whole.output if item.type == "function_call"]
        assert (call.name, type(json.loads(call.arguments))) == ("look", dict)
        async with ai.responses.stream(input="use the tool look", **asked) as stream:
            streamed = await stream.get_final_response()
        [again] = [item for item in streamed.output if item.type == "function_call"]
        assert json.loads(again.arguments) == json.loads(call.arguments)
        result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "a whale"}
        after = await ai.responses.create(model=model, previous_response_id=whole.id, input=[result], tools=[TOOL])
        assert "a whale" in after.output_text
        history: Any = [{"role": "user", "content": "use the tool look"}, *whole.output, result]
        resent = await ai.responses.create(model=model, input=history, tools=[TOOL], store=False)
        assert "a whale" in resent.output_text


CUSTOM: Any = {"type": "custom", "name": "look", "description": "Looks.", "format": {"type": "text"}}


@pytest.mark.parametrize("model", MODELS)
async def test_call_of_a_custom_tool_has_a_text_as_input(api: RunningApi, model: str) -> None:
    asked: Any = {"model": model, "tools": [CUSTOM], "tool_choice": {"type": "custom", "name": "look"}}
    async with api.ai() as ai:
        whole = await ai.responses.create(input="use the tool look", **asked)
        [call] = [item for item in whole.output if item.type == "custom_tool_call"]
        assert call.name == "look"
        assert (whole.model_extra or {})["farthing"]["ignored"] == []
        async with ai.responses.stream(input="use the tool look", **asked) as stream:
            events = [event async for event in stream]
        [done] = [event for event in events if event.type == "response.custom_tool_call_input.done"]
        assert done.input == call.input
        result: Any = {"type": "custom_tool_call_output", "call_id": call.call_id, "output": "a whale"}
        after = await ai.responses.create(model=model, previous_response_id=whole.id, input=[result], tools=[CUSTOM])
        assert "a whale" in after.output_text
        stored = await ai.responses.retrieve(whole.id)
        assert stored.output == whole.output


async def test_conversation_is_continued_by_the_id_of_a_response(api: RunningApi) -> None:
    async with api.ai() as ai:
        first = await ai.responses.create(model="auto", input=ASKED, instructions="Be brief.")
        second = await ai.responses.create(model="auto", input="And then?", previous_response_id=first.id)
        assert "message 2 of our conversation" in second.output_text
        assert second.previous_response_id == first.id
        stored = await ai.responses.retrieve(second.id)
        assert stored.output_text == second.output_text
        listed = await ai.responses.input_items.list(second.id)
        assert [item.model_dump()["content"][0]["text"] for item in listed.data] == ["And then?"]
        await ai.responses.delete(first.id)
        for gone in (first.id, "resp_unknown"):
            with pytest.raises(openai.NotFoundError):
                await ai.responses.retrieve(gone)
            with pytest.raises(openai.NotFoundError):
                await ai.responses.delete(gone)
            with pytest.raises(openai.BadRequestError) as refused:
                await ai.responses.create(model="auto", input="x", previous_response_id=gone)
            assert refused.value.code == "previous_response_not_found"


async def test_response_is_stored_only_on_request_and_for_its_tenant(api: RunningApi) -> None:
    async with api.ai() as ai:
        unstored = await ai.responses.create(model="auto", input=ASKED, store=False)
        assert unstored.model_extra is not None
        with pytest.raises(openai.NotFoundError):
            await ai.responses.retrieve(unstored.id)
        kept = await ai.responses.create(model="auto", input=ASKED)
    async with api.ai(await api.make_key()) as stranger:
        with pytest.raises(openai.NotFoundError):
            await stranger.responses.retrieve(kept.id)
        with pytest.raises(openai.BadRequestError):
            await stranger.responses.create(model="auto", input="x", previous_response_id=kept.id)


async def test_parsed_output_follows_its_schema(api: RunningApi) -> None:
    async with api.ai() as ai:
        for model in ("gpt-4o", "gemini/gemini-2.5-flash-lite"):
            parsed = await ai.responses.parse(model=model, input=ASKED, text_format=Word)
            assert isinstance(parsed.output_parsed, Word)


async def test_pictures_and_limits_pass_through(api: RunningApi) -> None:
    picture: Any = [{"role": "user", "content": [{"type": "input_image", "image_url": PIXEL, "detail": "low"}]}]
    async with api.ai() as ai:
        seen = await ai.responses.create(model="seen", input=picture)
        assert "I see 1 picture" in seen.output_text
        short = await ai.responses.create(model="auto", input=ASKED, max_output_tokens=5)
    assert (short.status, short.incomplete_details and short.incomplete_details.reason) == (
        "incomplete",
        "max_output_tokens",
    )


async def test_failures_are_raised_by_the_client_as_its_own(api: RunningApi) -> None:
    async with api.ai() as ai:
        for fields, kind in (
            ({"model": "no-such-model"}, openai.NotFoundError),
            ({"input": []}, openai.BadRequestError),
            ({"background": True}, openai.BadRequestError),
            ({"tools": [{"type": "no kind"}]}, openai.BadRequestError),
        ):
            with pytest.raises(kind):
                await ai.responses.create(**{"model": "auto", "input": ASKED, **fields})  # type: ignore[call-overload]
        api.set_mode("cut")
        async with ai.responses.stream(model="auto", input=ASKED) as stream:
            events = [event async for event in stream]
    assert events[-1].type == "response.failed"
    assert events[-1].response.error is not None
    await api.idle()
    await api.check_books()


async def test_repeated_idempotency_key_replays_the_stream_and_stores_once(api: RunningApi) -> None:
    async with api.http(**{"Idempotency-Key": "k"}) as http:
        body = {"model": "auto", "input": ASKED, "stream": True}
        first, again = [await http.post("/v1/responses", json=body) for _ in range(2)]
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    assert len(await api.rows("SELECT id FROM stored_responses")) == 1


async def test_items_of_stored_responses_are_found_by_reference(api: RunningApi) -> None:
    model: Any = {"model": "gpt-4o", "tools": [TOOL]}
    async with api.ai() as ai:
        first = await ai.responses.create(input="use the tool look", tool_choice="required", **model)
        [call] = [item for item in first.output if item.type == "function_call"]
        result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "a whale"}
        references: list[Any] = [{"type": "item_reference", "id": item.id} for item in first.output]
        asked: Any = [{"role": "user", "content": "use the tool look"}, *references, result]
        second = await ai.responses.create(input=asked, **model)
        listed = [item async for item in ai.responses.input_items.list(second.id, order="asc")]
    assert "a whale" in second.output_text
    assert [item.type for item in listed] == ["message", *(item.type for item in first.output), "function_call_output"]
    await api.check_books()


@pytest.mark.parametrize("is_own", [True, False])
async def test_reference_to_an_item_that_the_tenant_has_not_stored_is_not_found(api: RunningApi, is_own: bool) -> None:
    async with api.ai() as ai, api.ai(await api.make_key(usd="1")) as other:
        first = await ai.responses.create(model="auto", input=ASKED, store=not is_own)
        asked: Any = [{"type": "item_reference", "id": first.output[0].id}]
        with pytest.raises(openai.NotFoundError) as caught:
            await (ai if is_own else other).responses.create(model="auto", input=asked)
    assert caught.value.param == "input"


async def test_references_to_too_many_responses_are_refused(api: RunningApi) -> None:
    asked: Any = [{"type": "item_reference", "id": f"msg_{n}_0"} for n in range(1001)]
    async with api.ai() as ai:
        with pytest.raises(openai.BadRequestError) as caught:
            await ai.responses.create(model="auto", input=asked)
    assert caught.value.param == "input"
