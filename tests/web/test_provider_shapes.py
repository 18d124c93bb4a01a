"""Streams in forms from public reports, over real HTTP: the result for each family of clients, and the exact charge."""

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.app import Sandbox
from tests.engine.providers.shapes import (
    test_framing,
    test_further_servers,
    test_later_frames,
    test_reasoning,
    test_spellings,
    test_tool_calls,
    test_usage,
)
from tests.engine.providers.shapes.shape import Answer, Shape
from tests.web.conftest import ASKED, RunningApi, serving
from tests.web.own_provider import CONFIG, responding

SOURCES = (
    "Azure begins with",
    "AgentRouter separates",
    "ChatGPT sends an event",
    "an emoji split",
    "a whole answer printed",
    "DeepSeek begins the second call",
    "arguments encoded twice, in pieces",
    "Ollama ends with stop",
    "xAI's reasoning",
    "Magistral sends lists",
    "two frames on one line",
    "a stream that calls itself a page",
    "LM Studio: eosFound",
    "arguments in a fence",
    "Gemini's report beside the choices",
    "usage after the end marker, and the marker again",
    "Snowflake: a call in the delta itself",
    "Bedrock: counts",
)
SHAPES = [
    shape
    for source in SOURCES
    for module in (
        *(test_framing, test_tool_calls, test_usage, test_reasoning, test_further_servers),
        *(test_later_frames, test_spellings),
    )
    for shape in module.SHAPES
    if shape.source.startswith(source)
]


def frames(text: str) -> list[Any]:
    """Return the data of a stream's events, decoded if it is JSON."""
    found = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    return [each if each == "[DONE]" else json.loads(each) for each in found]


def read_chat(text: str) -> Answer:
    """Read a stream of chat completion chunks as strictly as OpenAI's clients."""
    *chunks, last = frames(text)
    assert last == "[DONE]"
    choices = [chunk["choices"][0] for chunk in chunks if chunk["choices"]]
    calls: list[list[str]] = []
    for choice in choices:
        for piece in choice["delta"].get("tool_calls") or ():
            if piece["index"] == len(calls):
                calls.append([piece["id"], piece["function"]["name"], ""])
            calls[piece["index"]][2] += piece["function"]["arguments"]
    (finish,) = [choice["finish_reason"] for choice in choices if choice["finish_reason"]]
    usage = chunks[-1]["usage"]
    return Answer(
        "".join(choice["delta"].get("content") or "" for choice in choices),
        finish,
        (usage["prompt_tokens"], usage["completion_tokens"], usage["allowance_tokens"]),
        tuple((id_, name, arguments) for id_, name, arguments in calls),
        "".join(choice["delta"].get("reasoning_content") or "" for choice in choices),
    )


@pytest.mark.parametrize("shape", [pytest.param(shape, id=shape.source) for shape in SHAPES])
async def test_odd_stream_comes_out_clean_in_every_family(shape: Shape, tmp_path: Path, sandbox: Sandbox) -> None:
    wanted = shape.outcome
    assert isinstance(wanted, Answer)
    assert wanted.usage is not None
    tokens = (wanted.usage[0], wanted.usage[1], wanted.usage[0] + wanted.usage[1])
    async with (
        responding("200 OK", shape.body.encode(), content_type=shape.content_type) as url,
        serving(tmp_path, sandbox, CONFIG.format(url=url), ("openai",)) as api,
    ):
        asked = {"model": "auto", "messages": ASKED, "max_tokens": 1000}
        streamed = await post(
            api, "/v1/chat/completions", {**asked, "stream": True, "stream_options": {"include_usage": True}}
        )
        assert read_chat(streamed) == Answer(wanted.text, wanted.finish, tokens, wanted.calls, wanted.thinking)

        message = json.loads(await post(api, "/v1/messages", asked))
        texts = [block["text"] for block in message["content"] if block["type"] == "text"]
        uses = [(each["name"], each["input"]) for each in message["content"] if each["type"] == "tool_use"]
        calls = [(name, json.loads(arguments)) for _, name, arguments in wanted.calls]
        assert ("".join(texts), uses) == (wanted.text, calls)
        assert message["stop_reason"] == ("tool_use" if calls else "end_turn")
        assert message["usage"]["allowance_tokens"] == tokens[2]

        events = frames(await post(api, "/v1/responses", {"model": "auto", "input": "go", "stream": True}))
        response = events[-1]["response"]
        assert (events[-1]["type"], response["status"]) == ("response.completed", "completed")
        said = [part["text"] for item in response["output"] if item["type"] == "message" for part in item["content"]]
        functions = [
            (item["name"], json.loads(item["arguments"]))
            for item in response["output"]
            if item["type"] == "function_call"
        ]
        assert ("".join(said), functions) == (wanted.text, calls)
        assert response["usage"]["allowance_tokens"] == tokens[2]
        await api.idle()
        assert [row["state"] for row in await api.rows("SELECT * FROM holds")] == ["captured"] * 3
        await api.check_books()


async def post(api: RunningApi, path: str, body: dict[str, Any]) -> str:
    async with api.http() as http:
        answer = await http.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.text
