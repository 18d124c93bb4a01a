"""Turns for chat templates with rules of their own, learned by their refusals."""

from typing import Any

import pytest

from engine.chat import ChatRequest, Image, Message, Role, Text, says
from engine.providers.mending.flat_turns import alternating, without_system
from tests.engine.providers.dialects.wires import text
from tests.engine.providers.test_own_fields import GEMINI, OPENAI, gemini_error, picky

ALTERNATE = "Conversation roles must alternate user/assistant/user/assistant/..."
HISTORY = (
    says(Role.SYSTEM, "be brief"),
    says(Role.USER, "hi"),
    says(Role.USER, "you"),
    says(Role.ASSISTANT, "yes"),
    says(Role.USER, "go"),
)


def row(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


def is_alternating(body: dict[str, Any]) -> bool:
    roles = [message["role"] for message in body["messages"] if message["role"] != "system"]
    return all(role == ("user", "assistant")[n % 2] for n, role in enumerate(roles))


def has_no_system(body: dict[str, Any]) -> bool:
    return all(message["role"] != "system" for message in body["messages"])


async def test_system_is_told_as_the_user_from_then_on() -> None:
    error = {"object": "error", "message": "System role not supported", "code": 400}
    wire, sent = picky("local", "gemma-2", has_no_system, error, OPENAI)
    for requests in (2, 3):
        assert text(await wire.chunks(ChatRequest("r", "m", HISTORY))) == "fine"
        assert len(sent) == requests
    assert sent[1]["messages"][0] == row("user", "be brief\n\nhi")
    assert sent[1] == sent[2]


async def test_turns_of_one_role_are_one_from_then_on() -> None:
    wire, sent = picky("local", "mistral-7b", is_alternating, {"error": {"message": ALTERNATE}}, OPENAI)
    for requests in (2, 3):
        assert text(await wire.chunks(ChatRequest("r", "m", HISTORY))) == "fine"
        assert len(sent) == requests
    assert [message["role"] for message in sent[1]["messages"]] == ["system", "user", "assistant", "user"]


async def test_both_rules_are_learned_one_after_the_other() -> None:
    def takes(body: dict[str, Any]) -> bool:
        error["error"]["message"] = ALTERNATE if has_no_system(body) else "System role not supported"
        return has_no_system(body) and is_alternating(body)

    error: dict[str, Any] = {"error": {"message": ""}}
    wire, sent = picky("local", "gemma", takes, error, OPENAI)
    assert text(await wire.chunks(ChatRequest("r", "m", HISTORY))) == "fine"
    assert len(sent) == 3
    assert sent[2]["messages"][0] == row("user", "be brief\n\nhi\n\nyou")


async def test_gemma_is_told_the_system_as_the_user() -> None:
    error = gemini_error("Developer instruction is not enabled for models/gemma-3-27b-it")
    wire, sent = picky("gemini", "gemma-3-27b-it", lambda body: "systemInstruction" not in body, error, GEMINI)
    for requests in (2, 3):
        assert text(await wire.chunks(ChatRequest("r", "m", HISTORY))) == "fine"
        assert len(sent) == requests
    assert sent[1]["contents"][0] == {"role": "user", "parts": [{"text": each} for each in ("be brief", "hi", "you")]}


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([row("user", "a")], [row("user", "a")]),
        ([row("system", "s"), row("assistant", "a")], [row("user", "s"), row("assistant", "a")]),
        (
            [row("assistant", "a"), row("system", "s"), row("user", "b"), row("system", "t")],
            [row("assistant", "a"), row("user", "s\n\nt\n\nb")],
        ),
        (
            [row("system", "s"), row("user", [{"type": "image_url"}])],
            [row("user", [{"type": "text", "text": "s"}, {"type": "image_url"}])],
        ),
    ],
)
def test_texts_of_the_system_come_first(messages: list[Any], expected: list[Any]) -> None:
    assert without_system(messages) == expected


def test_calls_stay_with_their_results() -> None:
    called = row("assistant", None, tool_calls=[{"id": "c"}])
    messages = [row("assistant", "hi"), called, row("tool", "x"), row("tool", "y"), row("user", "a")]
    found = alternating(messages)
    assert [message["role"] for message in found] == ["user", "assistant", "tool", "tool", "user"]
    assert found[1] == row("assistant", "hi", tool_calls=[{"id": "c"}])
    after = [row("user", "a"), called, row("assistant", "b")]
    assert alternating(after) == after


async def test_picture_stays_beside_the_texts() -> None:
    wire, sent = picky("local", "m", is_alternating, {"error": {"message": ALTERNATE}}, OPENAI)
    seen = Message(Role.USER, (Text("see"), Image("https://a.b/c.png")))
    assert text(await wire.chunks(ChatRequest("r", "m", (seen, says(Role.USER, "go"))))) == "fine"
    [message] = sent[1]["messages"]
    assert [part["type"] for part in message["content"]] == ["text", "image_url", "text"]
