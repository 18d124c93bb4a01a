"""Custom tools of OpenAI's APIs: tools whose input is plain text. Each becomes a function with one text.

The function's arguments are `{"input": "..."}`; the client gets the text alone: in an item of type custom_tool_call, or
in the tool call of a chat completion.
"""

import json
from collections.abc import Mapping
from typing import Any

from engine.chat import Tool
from engine.json_limits import parsed
from web.pipeline.fields import Fields

KIND = "custom"
_INPUT = "input"
_GRAMMAR_ASKED = "The input must follow this {syntax} grammar:\n{definition}"


def custom_tool(raw: Mapping[str, Any], where: str) -> Tool:
    """Return the function that stands for a custom tool. Raises BadRequest."""
    fields = Fields(raw, where)
    form = Fields(fields.object("format") or {}, f"{where}.format")
    described = [fields.optional_text("description") or ""]
    if form.choice("type", ("text", "grammar")) == "grammar":
        nested = form.object("grammar")  # of chat completions
        form = form if nested is None else Fields(nested, f"{where}.format.grammar")
        syntax = form.needed_choice("syntax", ("lark", "regex"))
        described.append(_GRAMMAR_ASKED.format(syntax=syntax, definition=form.text("definition")))
    schema = {"type": "object", "properties": {_INPUT: {"type": "string"}}, "required": [_INPUT]}
    return Tool(fields.text("name"), "\n\n".join(text for text in described if text), schema)


def arguments_of(text: str) -> str:
    """Return the arguments of the function for an input."""
    return json.dumps({_INPUT: text}, ensure_ascii=False)


def input_of(arguments: str) -> str:
    """Return the input in the function's arguments; the arguments as they are if the model wrote something else."""
    try:
        found = parsed(arguments)
    except ValueError:
        return arguments
    text = found.get(_INPUT) if isinstance(found, dict) else None
    return text if isinstance(text, str) else arguments


def custom_names(tools: Any) -> frozenset[str]:
    """Return the names of the custom tools of a chat completion; of tools with one name the first one counts."""
    kinds: dict[str, Any] = {}
    for tool in tools if isinstance(tools, list) else ():
        kind = tool.get("type", "function") if isinstance(tool, dict) else None
        described = tool.get(kind) if isinstance(kind, str) else None
        if isinstance(described, dict):
            kinds.setdefault(str(described.get("name")), kind)
    return frozenset(name for name, kind in kinds.items() if kind == KIND)


def call_json(id: str, name: str, arguments: str) -> dict[str, Any]:  # noqa: A002
    """Return a call in the form of chat completions."""
    return {"id": id, "type": KIND, KIND: {"name": name, "input": input_of(arguments)}}
