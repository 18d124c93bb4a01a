"""Tools of the Responses API that the client runs: functions, custom tools, shells, patches, searches, namespaces.

Each becomes a function; `CallForm` turns its calls into items of the kind that the client knows. Sources:
`types/responses` of OpenAI's SDK; developers.openai.com, "Shell", "Local shell", "Apply patch", "Tool search".
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.chat import Tool
from engine.errors import BadRequest
from web.openai import custom_tools
from web.pipeline.fields import Fields

NAMESPACE, TOOL_SEARCH = "namespace", "tool_search"
MOST_TOOLS = 128
_BETWEEN = "__"  # a namespace and a name in the name of a function
_TEXT: Mapping[str, Any] = {"type": "string"}
_TEXTS: Mapping[str, Any] = {"type": "array", "items": _TEXT}
_NUMBER: Mapping[str, Any] = {"type": "integer"}


@dataclass(frozen=True, slots=True)
class _NativeTool:
    """A tool without a schema of its own. Its calls have the arguments in the field `holder`, over `defaults`."""

    description: str
    properties: Mapping[str, Any]
    required: tuple[str, ...]
    holder: str
    defaults: Mapping[str, Any]


_NATIVE: Mapping[str, _NativeTool] = {
    "local_shell": _NativeTool(
        "Run one command on the user's computer and return its output.",
        {
            "command": {**_TEXTS, "description": "The program and its arguments, such as ['bash', '-lc', 'ls']"},
            "working_directory": _TEXT,
            "timeout_ms": _NUMBER,
        },
        ("command",),
        "action",
        {"type": "exec", "command": [], "env": {}},
    ),
    "shell": _NativeTool(
        "Run shell commands on the user's computer and return their output.",
        {
            "commands": {**_TEXTS, "description": "Commands that can run at the same time"},
            "timeout_ms": _NUMBER,
            "max_output_length": {**_NUMBER, "description": "The most characters of output to return"},
        },
        ("commands",),
        "action",
        {"commands": []},
    ),
    "apply_patch": _NativeTool(
        "Create, change or delete one file.",
        {
            "type": {**_TEXT, "enum": ["create_file", "update_file", "delete_file"]},
            "path": _TEXT,
            "diff": {**_TEXT, "description": "The change as a V4A diff; not for delete_file"},
        },
        ("type", "path"),
        "operation",
        {"type": "update_file", "path": ""},
    ),
}
_BY_CALL = {f"{kind}_call": kind for kind in _NATIVE}
_BY_OUTPUT = {f"{kind}_call_output": kind for kind in _NATIVE}
_KINDS = frozenset({"function", custom_tools.KIND, NAMESPACE, *_NATIVE})
_UNNAMED = frozenset({TOOL_SEARCH, *_NATIVE})  # kinds of tools whose function has the name of the kind
_CLIENT = "client"


@dataclass(frozen=True, slots=True)
class CallForm:
    """The form of one tool's calls: the tool's type, and its names as the client knows them."""

    kind: str
    name: str
    namespace: str = ""

    @property
    def is_whole(self) -> bool:
        """True if a call is sent as a whole, because its content is a part of the function's arguments."""
        return self.kind != "function"

    def item(self, call_id: str, arguments: str) -> dict[str, Any]:
        """Return the item of a call, without its id and status."""
        native = _NATIVE.get(self.kind)
        if native is not None:
            given = {name: value for name, value in _object(arguments).items() if value is not None}
            return {"type": f"{self.kind}_call", "call_id": call_id, native.holder: {**native.defaults, **given}}
        if self.kind == TOOL_SEARCH:
            searched = {"execution": _CLIENT, "arguments": _object(arguments)}
            return {"type": f"{TOOL_SEARCH}_call", "call_id": call_id, **searched}
        named = {"call_id": call_id, "name": self.name, **({"namespace": self.namespace} if self.namespace else {})}
        if self.kind == custom_tools.KIND:
            return {"type": "custom_tool_call", **named, "input": custom_tools.input_of(arguments)}
        return {"type": "function_call", **named, "arguments": arguments}


def is_clients(tool: Mapping[str, Any]) -> bool:
    """Return whether the client runs a tool. OpenAI runs shells in containers, and searches unless told otherwise."""
    kind = tool.get("type")
    if kind == TOOL_SEARCH:
        return is_of_client(tool)
    if kind == "shell":
        environment = tool.get("environment")
        return not isinstance(environment, dict) or environment.get("type") in (None, "local")
    return isinstance(kind, str) and kind in _KINDS


def is_of_client(found: Mapping[str, Any]) -> bool:
    """Return whether the client runs a search of tools: the tool itself, a call of it, or its result."""
    return found.get("execution") == _CLIENT


def tools_of(given: Sequence[Mapping[str, Any]], where: str = "tools") -> tuple[Tool, ...]:
    """Return the functions that stand for the client's tools. Raises BadRequest with paths that begin with `where`."""
    return tuple(_tool(raw, path, namespace) for raw, path, namespace in _flat(given, where))


def call_forms(given: Any) -> Mapping[str, CallForm]:
    """Return the forms of calls by the names of functions; of tools with one name the first one counts."""
    forms: dict[str, CallForm] = {}
    for raw, _, namespace in _flat(
        [tool for tool in given if isinstance(tool, dict)] if isinstance(given, list) else []
    ):
        kind = str(raw.get("type"))
        name = kind if kind in _UNNAMED else str(raw.get("name"))
        forms.setdefault(function_name(name, namespace), CallForm(kind, name, namespace))
    return forms


def forms_of_calls(items: Sequence[Mapping[str, Any]]) -> Mapping[str, CallForm]:
    """Return the forms of the calls among the items of an answer, by the names of their functions."""
    forms = {}
    for item in items:
        kind = str(item["type"]).removesuffix("_call").removesuffix("_tool")
        if "call_id" not in item:
            continue
        form = CallForm(kind, kind if kind in _UNNAMED else item["name"], item.get("namespace") or "")
        forms[function_name(form.name, form.namespace)] = form
    return forms


def function_name(name: str, namespace: str | None) -> str:
    return f"{namespace}{_BETWEEN}{name}" if namespace else name


def native_call(item: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the function and the arguments of a call of a tool without a name; None for another item."""
    if item.get("type") == f"{TOOL_SEARCH}_call":
        return TOOL_SEARCH, json.dumps(item.get("arguments") or {}, ensure_ascii=False)
    kind = _BY_CALL.get(str(item.get("type")))
    if kind is None:
        return None
    held = item.get(_NATIVE[kind].holder)
    given = (
        {name: value for name, value in held.items() if name in _NATIVE[kind].properties}
        if isinstance(held, dict)
        else {}
    )
    return kind, json.dumps(given, ensure_ascii=False)


def native_output(item: Mapping[str, Any]) -> str | None:
    """Return the text of such a tool's result, with its status if that is all; None for another item."""
    if item.get("type") == f"{TOOL_SEARCH}_output":
        return json.dumps({"found": list(call_forms(item.get("tools")))}, ensure_ascii=False)
    if str(item.get("type")) not in _BY_OUTPUT:
        return None
    output = item.get("output")
    if isinstance(output, str):
        return output or str(item.get("status") or "")
    return str(item.get("status") or "") if output is None else json.dumps(output, ensure_ascii=False)


def _flat(given: Sequence[Mapping[str, Any]], where: str = "tools") -> Iterator[tuple[Mapping[str, Any], str, str]]:
    """Yield the client's tools, those in namespaces too, with their paths and namespaces. Raises BadRequest."""
    for n, tool in enumerate(given):
        if not is_clients(tool):
            continue
        if tool["type"] != NAMESPACE:
            yield tool, f"{where}.{n}", ""
            continue
        fields = Fields(tool, f"{where}.{n}")
        namespace = fields.text("name")
        if tool.get("tools") is None:
            raise BadRequest(f"{where}.{n}.tools", "must be a list of functions and custom tools")
        for m, inner in enumerate(fields.list_of_objects("tools", most=MOST_TOOLS)):
            if inner.get("type") not in ("function", custom_tools.KIND):  # a tuple: the type may be any JSON value
                raise BadRequest(f"{where}.{n}.tools.{m}.type", "must be function or custom")
            yield inner, f"{where}.{n}.tools.{m}", namespace


def _tool(raw: Mapping[str, Any], where: str, namespace: str) -> Tool:
    native = _NATIVE.get(raw["type"])
    if native is not None:
        schema = {"type": "object", "properties": dict(native.properties), "required": list(native.required)}
        return Tool(raw["type"], native.description, schema)
    if raw["type"] == custom_tools.KIND:
        custom = custom_tools.custom_tool(raw, where)
        return Tool(function_name(custom.name, namespace), custom.description, custom.parameters)
    fields = Fields(raw, where)
    name = TOOL_SEARCH if raw["type"] == TOOL_SEARCH else fields.text("name")
    return Tool(
        function_name(name, namespace),
        fields.optional_text("description") or "",
        fields.object("parameters") or {},
        fields.boolean("strict"),
    )


def _object(arguments: str) -> Mapping[str, Any]:
    try:
        found = json.loads(arguments)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
