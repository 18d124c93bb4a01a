"""Frames in OpenAI's shape."""

from typing import Any

from tests.engine.providers.dialects.wires import data

COUNTS = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
DONE = "[DONE]"


def choice(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    """Return a frame with one choice, whose delta has these fields."""
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def said(text: str, finish: str | None = None) -> dict[str, Any]:
    return choice(finish, content=text)


def counted(**counts: Any) -> dict[str, Any]:
    return {"choices": [], "usage": counts or COUNTS}


def call(name: str | None = None, arguments: Any = None, **fields: Any) -> dict[str, Any]:
    """Return one entry of `tool_calls`."""
    function = {"name": name, "arguments": arguments}
    return {**fields, "type": "function", "function": {k: v for k, v in function.items() if v is not None}}


def calling(*calls: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return choice(finish, tool_calls=list(calls))


def stream(*frames: Any, end: str = DONE) -> str:
    """Return the body of frames that ends as OpenAI's does; `end` empty: without an end marker."""
    return data(*frames, *([end] if end else []))
