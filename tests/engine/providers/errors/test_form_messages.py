"""Messages that refuse a form: read from the whole message, and learned."""

from typing import Any

import pytest

from engine.chat import Tool
from engine.providers.errors.form_messages import JSON_OBJECT, NAMED_TOOL, refused_form
from tests.engine.providers.dialects.wires import asking, text
from tests.engine.providers.test_own_fields import OPENAI, picky

JSON = "'response_format.type' must be 'json_schema' or 'text'"
CHOICE = "Invalid tool_choice type: 'object'. Supported string values: none, auto, required"
TOOLS = (Tool("look"), Tool("find"))
NAMED = {"type": "function", "function": {"name": "find"}}


@pytest.mark.parametrize(
    ("message", "field"),
    [(JSON, JSON_OBJECT), (CHOICE, NAMED_TOOL), ("Expected 'none' | 'auto' | 'required', received object", NAMED_TOOL)],
)
def test_form_is_read_from_the_whole_message_only(message: str, field: str) -> None:
    assert refused_form(message) == field
    assert refused_form(f"Invalid value: {message}") == ""


async def test_json_mode_becomes_a_schema_from_then_on() -> None:
    def takes(body: dict[str, Any]) -> bool:
        return bool(body["response_format"]["type"] == "json_schema")

    wire, sent = picky("local", "m", takes, {"error": JSON}, OPENAI)
    for requests in (2, 3):
        assert text(await wire.chunks(asking("json", response_format={"type": "json_object"}))) == "fine"
        assert len(sent) == requests
    assert sent[1]["response_format"]["json_schema"]["schema"] == {"type": "object"}


async def test_named_tool_is_sent_alone_from_then_on() -> None:
    wire, sent = picky("local", "m", lambda body: isinstance(body["tool_choice"], str), {"error": CHOICE}, OPENAI)
    for requests in (2, 3):
        assert text(await wire.chunks(asking(tools=TOOLS, tool_choice=NAMED))) == "fine"
        assert len(sent) == requests
    assert (sent[1]["tool_choice"], [tool["function"]["name"] for tool in sent[1]["tools"]]) == ("required", ["find"])
    await wire.chunks(asking(tools=TOOLS, tool_choice="auto"))
    assert len(sent[-1]["tools"]) == 2
