"""The routes of /v1/responses/{response_id}: events again, input, cancelling."""

from typing import Any

import openai
import pytest

from tests.web.conftest import RunningApi

ASKED = "tell me about the sea, at length"
TOOL: Any = {
    "type": "function",
    "name": "look",
    "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
}
WRONG: Any = [{"role": "nobody", "content": "x"}]
BODIES: dict[str, dict[str, Any]] = {
    "text": {"model": "auto"},
    "call": {"model": "auto", "tools": [TOOL], "tool_choice": "required"},
    "custom call": {"model": "auto", "tools": [{"type": "custom", "name": "look"}], "tool_choice": "required"},
    "call of a shell": {"model": "auto", "tools": [{"type": "shell"}], "tool_choice": {"type": "shell"}},
    "call in a namespace": {
        "model": "auto",
        "tools": [{"type": "namespace", "name": "crm", "description": "", "tools": [TOOL]}],
        "tool_choice": "required",
    },
    "call of a search": {
        "model": "auto",
        "tools": [{"type": "tool_search", "execution": "client", "description": "d", "parameters": {"type": "object"}}],
        "tool_choice": "required",
    },
    "call of an added tool": {
        "model": "auto",
        "input": [{"type": "additional_tools", "tools": [TOOL]}, {"role": "user", "content": "use the tool look"}],
        "tool_choice": "required",
    },
    "reasoning": {"model": "deepseek/deepseek-v4-flash", "reasoning": {"effort": "high"}},
    "summary": {"model": "deepseek/deepseek-v4-flash", "reasoning": {"effort": "high", "summary": "auto"}},
    "signed": {
        "model": "anthropic/claude-haiku-4-5",
        "reasoning": {"effort": "high"},
        "include": ["reasoning.encrypted_content"],
    },
    "cut": {"model": "auto", "max_output_tokens": 5},
}


@pytest.mark.parametrize("name", BODIES)
async def test_stream_is_repeated_byte_by_byte(api: RunningApi, name: str) -> None:
    asked = {"input": f"{ASKED}, with the tool" if "call" in name else ASKED, **BODIES[name]}
    async with api.http() as http:
        sent = (await http.post("/v1/responses", json={**asked, "stream": True})).content
        frames = sent.split(b"\n\n")
        id_ = sent.partition(b'"id":"')[2].partition(b'"')[0].decode()
        again = await http.get(f"/v1/responses/{id_}", params={"stream": "true"})
        rest = await http.get(f"/v1/responses/{id_}", params={"stream": "true", "starting_after": "3"})
    assert again.headers["content-type"].startswith("text/event-stream")
    assert again.content == sent
    assert rest.content == b"\n\n".join(frames[4:])


async def test_client_takes_up_a_stream_after_an_event(api: RunningApi) -> None:
    async with api.ai() as ai:
        first = await ai.responses.create(model="auto", input=ASKED)
        again = await ai.responses.retrieve(first.id, stream=True, starting_after=4)
        numbers = [event.sequence_number async for event in again]
    assert numbers == list(range(5, 5 + len(numbers)))


@pytest.mark.parametrize(
    ("params", "param"),
    [({"stream": "maybe"}, "stream"), ({"starting_after": "-1"}, "starting_after"), ({"starting_after": "x"}, None)],
)
async def test_wrong_parameters_are_named(api: RunningApi, params: dict[str, str], param: str | None) -> None:
    async with api.http() as http:
        refused = await http.get("/v1/responses/resp_x", params=params)
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == (param or "starting_after")


async def test_only_a_background_response_could_be_cancelled(api: RunningApi) -> None:
    async with api.ai() as ai:
        first = await ai.responses.create(model="auto", input=ASKED)
        with pytest.raises(openai.ConflictError, match="Cannot cancel a synchronous response"):
            await ai.responses.cancel(first.id)
        with pytest.raises(openai.NotFoundError):
            await ai.responses.cancel("resp_unknown")


async def test_items_of_the_input_have_no_sizes_of_pieces(api: RunningApi) -> None:
    async with api.ai() as ai:
        first = await ai.responses.create(model="auto", input=ASKED)
        reference: Any = [{"type": "item_reference", "id": first.output[0].id}, {"role": "user", "content": "and?"}]
        second = await ai.responses.create(model="auto", input=reference)
        listed = await ai.responses.input_items.list(second.id)
    assert not any("farthing_pieces" in (item.model_extra or {}) for item in listed.data)


async def test_tokens_of_the_input_are_counted_and_not_charged(api: RunningApi) -> None:
    async with api.ai() as ai:
        first = await ai.responses.create(model="auto", input=ASKED)
        short = await ai.responses.input_tokens.count(model="gpt-4o", input="hi")
        more = await ai.responses.input_tokens.count(
            input="hi", instructions="Be brief and kind, please.", tools=[TOOL]
        )
        later = await ai.responses.input_tokens.count(input="hi", previous_response_id=first.id)
        with pytest.raises(openai.BadRequestError):
            await ai.responses.input_tokens.count(input=WRONG)
    assert short.object == "response.input_tokens"
    assert 0 < short.input_tokens < min(more.input_tokens, later.input_tokens)
    assert len(await api.rows("SELECT state FROM holds")) == 1
