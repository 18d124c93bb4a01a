"""Clients change the beginning of a conversation; in each API our own answer still tells which one it is."""

from typing import Any

import pytest

from tests.web.conftest import RunningApi

TOOL: Any = {"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}}
FIRST, SECOND = "tell me about the sea, at length", "and the land?"


async def posted(api: RunningApi, path: str, body: dict[str, Any], *, stream: bool = False) -> str:
    async with api.http() as http:
        response = await http.post(path, json={**body, "stream": stream})
    assert response.status_code == 200, response.text
    return response.text


def turns(api: RunningApi) -> list[int]:
    """Return the number of turns of each conversation that was seen."""
    front_end = api.container.market.catalog.forecast._front_ends[True]
    return [known.turns for known in front_end.conversations._newer.values()]


def said(system: str, *texts: str) -> list[dict[str, Any]]:
    roles = ("user", "assistant")
    spoken = [{"role": roles[number % 2], "content": text} for number, text in enumerate(texts)]
    return [{"role": "system", "content": system}, *spoken] if system else spoken


@pytest.mark.parametrize("stream", [False, True])
async def test_chat_with_a_clock_in_its_system_prompt_is_one_conversation(api: RunningApi, stream: bool) -> None:
    async with api.http() as http:
        body = {"model": "auto", "messages": said("It is 12:00.", FIRST)}
        if stream:
            async with api.ai() as ai:
                chunks = [chunk async for chunk in await ai.chat.completions.create(**body, stream=True)]  # type: ignore[call-overload]
            text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        else:
            text = (await http.post("/v1/chat/completions", json=body)).json()["choices"][0]["message"]["content"]
    again = said("It is 12:01.", FIRST, text.rstrip() + "\n", SECOND)
    await posted(api, "/v1/chat/completions", {"model": "auto", "messages": again}, stream=stream)
    assert turns(api) == [2]


@pytest.mark.parametrize("stream", [False, True])
async def test_messages_with_a_changing_system_prompt_are_one_conversation(api: RunningApi, stream: bool) -> None:
    body = {"model": "auto", "max_tokens": 500, "system": "It is 12:00.", "messages": said("", FIRST)}
    async with api.http() as http:
        text = (await http.post("/v1/messages", json=body)).json()["content"][0]["text"]
    blocks = [{"type": "text", "text": text[:50]}, {"type": "text", "text": text[50:]}]
    history = [*said("", FIRST), {"role": "assistant", "content": blocks}, *said("", SECOND)]
    await posted(api, "/v1/messages", {**body, "system": "It is 12:01.", "messages": history}, stream=stream)
    assert turns(api) == [2]


@pytest.mark.parametrize("stream", [False, True])
async def test_responses_with_changed_instructions_are_one_conversation(api: RunningApi, stream: bool) -> None:
    body = {"model": "auto", "input": FIRST, "instructions": "It is 12:00."}
    async with api.http() as http:
        first = (await http.post("/v1/responses", json=body)).json()
    following = {"model": "auto", "input": SECOND, "instructions": "It is 12:01.", "previous_response_id": first["id"]}
    await posted(api, "/v1/responses", following, stream=stream)
    resent = {
        "model": "auto",
        "instructions": "12:02",
        "input": [*said("", FIRST), *first["output"], *said("", SECOND)],
    }
    await posted(api, "/v1/responses", resent)
    assert turns(api) == [3]


@pytest.mark.parametrize("name", ["deepseek/deepseek-v4-flash", "gemini/gemini-2.5-flash-lite", "gpt-4o"])
async def test_results_of_our_tool_calls_continue_the_conversation(api: RunningApi, name: str) -> None:
    tools = [{"type": "function", "function": TOOL}]
    asked: Any = {"model": name, "tools": tools, "tool_choice": "required"}
    async with api.ai() as ai:
        whole = await ai.chat.completions.create(messages=said("Now: 1", "use the tool look"), **asked)  # type: ignore[arg-type]
        message = whole.choices[0].message
        [call] = message.tool_calls or []
        result = {"role": "tool", "tool_call_id": call.id, "content": "a whale"}
        history: Any = [*said("Now: 2", "use the tool look"), message.model_dump(exclude_none=True), result]
        await ai.chat.completions.create(model=name, messages=history, tools=tools)  # type: ignore[arg-type]
    assert turns(api) == [2]


async def test_people_behind_one_key_who_begin_alike_are_conversations_of_their_own(api: RunningApi) -> None:
    for _ in range(3):
        await posted(api, "/v1/chat/completions", {"model": "auto", "messages": said("", FIRST)})
    assert turns(api) == [1, 1, 1]
