"""Histories that providers were reported to refuse, and the messages that are sent instead."""

from dataclasses import dataclass
from typing import Any

import pytest

from engine.chat import ChatRequest, Message, Options, Role, Text, Tool, ToolCall, says
from tests.engine.providers.dialects.wires import Wire

LOOK = Tool("look", "looks", {"type": "object", "properties": {"a": {"type": "integer"}}})
GO = says(Role.USER, "go")
ON = says(Role.USER, "on")
WITH_TOOL = Options(tools=(LOOK,))


def calling(*ids: str, arguments: str = '{"a":1}', thinking: str = "") -> Message:
    calls = tuple(ToolCall(id_, "look", arguments) for id_ in ids)
    return Message(Role.ASSISTANT, (), calls, thinking=thinking)


def result(id_: str, text: str = "ok") -> Message:
    return Message(Role.TOOL, (Text(text),), tool_call_id=id_)


def called(*ids: str, arguments: str = '{"a":1}') -> dict[str, Any]:
    function = {"name": "look", "arguments": arguments}
    calls = [{"id": id_, "type": "function", "function": function} for id_ in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def row(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


def text(*texts: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": each} for each in texts]


@dataclass(frozen=True, slots=True)
class History:
    """A reported history. `source`: the reporter; `sent`: the messages or contents that the provider gets."""

    source: str
    provider: str
    messages: tuple[Message, ...]
    sent: list[dict[str, Any]]
    options: Options = WITH_TOOL


PLAIN = Options()
JSON = Options(response_format={"type": "json_object"})
JSON_ASKED = "Answer with one JSON object and nothing else."
UNANSWERED = (GO, calling("c1", "c2"), result("c1"), ON)

HISTORIES = [
    History(
        "OpenAI: calls without a result",
        "openai",
        UNANSWERED,
        [
            row("user", "go"),
            called("c1", "c2"),
            row("tool", "ok", tool_call_id="c1"),
            row("tool", "(no result)", tool_call_id="c2"),
            row("user", "on"),
        ],
    ),
    History(
        "Claude: tool_use without tool_result (claude-code 8210)",
        "anthropic",
        UNANSWERED,
        [
            row("user", text("go")),
            row(
                "assistant",
                [{"type": "tool_use", "id": id_, "name": "look", "input": {"a": 1}} for id_ in ("c1", "c2")],
            ),
            row(
                "user",
                [
                    {"type": "tool_result", "tool_use_id": "c1", "content": "ok"},
                    {"type": "tool_result", "tool_use_id": "c2", "content": "(no result)"},
                    *text("on"),
                ],
            ),
        ],
    ),
    History(
        "Claude: tool_result without tool_use (claude-code 18947)",
        "anthropic",
        (result("c9"), GO),
        [row("user", text("Result of a tool: ", "ok", "go"))],
    ),
    History(
        "Claude: one id for two calls",
        "anthropic",
        (GO, calling("c"), result("c"), calling("c"), result("c", "two")),
        [
            row("user", text("go")),
            row("assistant", [{"type": "tool_use", "id": "c", "name": "look", "input": {"a": 1}}]),
            row("user", [{"type": "tool_result", "tool_use_id": "c", "content": "ok"}]),
            row("assistant", [{"type": "tool_use", "id": "c_1", "name": "look", "input": {"a": 1}}]),
            row("user", [{"type": "tool_result", "tool_use_id": "c_1", "content": "two"}]),
        ],
    ),
    History(
        "Mistral: a user after a tool (datapizza 98)",
        "mistral",
        (GO, calling("abcdefghi"), result("abcdefghi"), ON),
        [
            row("user", "go"),
            called("abcdefghi"),
            row("tool", "ok", tool_call_id="abcdefghi", name="look"),
            row("assistant", "OK."),
            row("user", "on"),
        ],
    ),
    History(
        "Mistral: the last turn is the assistant's (rig 1130)",
        "mistral",
        (GO, says(Role.ASSISTANT, "Once")),
        [row("user", "go"), row("assistant", "Once", prefix=True)],
        PLAIN,
    ),
    History(
        "vLLM: arguments that are no JSON (physics-intern 6)",
        "local",
        (GO, calling("c1", arguments='{"a":'), result("c1")),
        [row("user", "go"), called("c1", arguments='{"text": "{\\"a\\":"}'), row("tool", "ok", tool_call_id="c1")],
    ),
    History(
        "DeepSeek: arguments that are not an object (agno 8879)",
        "deepseek",
        (GO, calling("c1", arguments="[1]"), result("c1")),
        [row("user", "go"), called("c1", arguments='{"value": [1]}'), row("tool", "ok", tool_call_id="c1")],
    ),
    History(
        "OpenAI takes arguments as they are",
        "openai",
        (GO, calling("c1", arguments='{"a":'), result("c1")),
        [row("user", "go"), called("c1", arguments='{"a":'), row("tool", "ok", tool_call_id="c1")],
    ),
    History(
        "an empty result (Kimi)",
        "groq",
        (GO, calling("c1"), result("c1", "")),
        [row("user", "go"), called("c1"), row("tool", "(no text)", tool_call_id="c1")],
    ),
    History(
        "Groq: reasoning of another model (freellmapi 1070)",
        "groq",
        (GO, Message(Role.ASSISTANT, (Text("Hi"),), thinking="hm"), ON),
        [row("user", "go"), row("assistant", "Hi"), row("user", "on")],
        PLAIN,
    ),
    History(
        "DeepSeek: a turn without reasoning_content while it thinks (openclaude 878)",
        "deepseek",
        (GO, calling("c1", thinking="hm"), result("c1")),
        [row("user", "go"), {**called("c1"), "reasoning_content": "hm"}, row("tool", "ok", tool_call_id="c1")],
        Options(tools=(LOOK,), reasoning_effort="high"),
    ),
    History(
        "Qwen3.5 on vLLM: two turns of the system (litellm 26879)",
        "local",
        (says(Role.SYSTEM, "A"), says(Role.SYSTEM, "B"), GO),
        [row("system", "A\n\nB"), row("user", "go")],
        PLAIN,
    ),
    History(
        "Qwen3.6 on vLLM: a later turn of the system (vllm 41114)",
        "local",
        (GO, says(Role.ASSISTANT, "hm"), says(Role.SYSTEM, "S"), ON),
        [row("system", "S"), row("user", "go"), row("assistant", "hm"), row("user", "on")],
        PLAIN,
    ),
    History("Qwen3.5: the system alone (verl 7725)", "local", (says(Role.SYSTEM, "S"),), [row("user", "S")], PLAIN),
    History(
        "Qwen3.5: our instruction beside the system's",
        "local",
        (says(Role.SYSTEM, "S"), GO),
        [row("system", f"{JSON_ASKED}\n\nS"), row("user", "go")],
        JSON,
    ),
    History("our instruction alone", "openai", (GO,), [row("system", JSON_ASKED), row("user", "go")], JSON),
    History(
        "OpenAI keeps turns of the system where they are",
        "openai",
        (GO, says(Role.SYSTEM, "S"), ON),
        [row("user", "go"), row("system", "S"), row("user", "on")],
        PLAIN,
    ),
    History(
        "Gemini: as many responses as calls",
        "gemini",
        UNANSWERED,
        [
            {"role": "user", "parts": [{"text": "go"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {"a": 1}}}] * 2},
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"name": "look", "response": {"result": "ok"}}},
                    {"functionResponse": {"name": "look", "response": {"result": "(no result)"}}},
                    {"text": "on"},
                ],
            },
        ],
    ),
    History(
        "Gemini: the assistant begins",
        "gemini",
        (says(Role.ASSISTANT, "Hi"), GO),
        [
            {"role": "user", "parts": [{"text": "(no text)"}]},
            {"role": "model", "parts": [{"text": "Hi"}]},
            {"role": "user", "parts": [{"text": "go"}]},
        ],
        PLAIN,
    ),
]


@pytest.mark.parametrize("history", [pytest.param(history, id=history.source) for history in HISTORIES])
async def test_history_goes_out_as_its_provider_takes_it(history: History) -> None:
    body = await Wire(history.provider).body(ChatRequest("r", "auto", history.messages, options=history.options))
    assert body.get("messages", body.get("contents")) == history.sent


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "claude-sonnet-4-6", "claude-opus-4-1"])
async def test_claude_gets_temperature_without_top_p(model: str) -> None:
    body = await Wire("anthropic", model=model).body(ChatRequest("r", "auto", (GO,), options=Options(0.5, 0.9)))
    assert (body["temperature"], body.get("top_p")) == (0.5, None)
