"""Limits for the tool calls of a history, for each family of clients."""

from typing import Any

import pytest

from engine.chat import Message, Role, ToolCall
from engine.errors import BadRequest
from tests.web.conftest import RunningApi
from web.pipeline.call_limits import MOST_CALLS, check_calls

CODE = '{"text": "' + "a, [b], {c}, " * 100_000 + '"}'
"""A long file, written by a tool."""
USER: Any = {"role": "user", "content": "hi"}


def called(*arguments: str) -> list[Message]:
    return [Message(Role.ASSISTANT, (), (ToolCall("a", "f", each),)) for each in arguments]


@pytest.mark.parametrize("arguments", [(), ("{}",) * MOST_CALLS, (CODE,), ("not json",)])
def test_usual_histories_are_accepted(arguments: tuple[str, ...]) -> None:
    check_calls(called(*arguments))


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("{}",) * (MOST_CALLS + 1), "4,000 tool calls"),
        (("[" * 90 + "]" * 90,) * 3000, "200,000 values"),
        (("[1" + ",1" * 100_000 + "]",) * 3, "200,000 values"),
        (("[" + '"",' * 900_000 + "]",), "200,000 values"),
    ],
)
def test_histories_that_would_take_long_to_rewrite_are_refused(arguments: tuple[str, ...], part: str) -> None:
    with pytest.raises(BadRequest, match=part):
        check_calls(called(*arguments))


async def test_calls_are_counted_in_each_family(api: RunningApi) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    items = [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}] * 4001
    use = {"type": "tool_use", "id": "c", "name": "f", "input": {}}
    bodies: dict[str, dict[str, Any]] = {
        "/v1/chat/completions": {"messages": [USER, *[{"role": "assistant", "tool_calls": [call] * 100}] * 41]},
        "/v1/responses": {"input": [USER, *items]},
        "/v1/messages": {"max_tokens": 9, "messages": [USER, {"role": "assistant", "content": [use] * 4001}]},
    }
    async with api.http() as http:
        for path, body in bodies.items():
            answer = await http.post(path, json={"model": "auto", **body})
            assert answer.status_code == 400, path
            assert "at most 4,000" in answer.text, path
