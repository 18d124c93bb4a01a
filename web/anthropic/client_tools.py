"""Anthropic's own tools that the client runs: a shell, an editor, a memory, a screen. Each becomes a function.

Claude knows them by type; every other model needs their schema. Sources: platform.claude.com/docs, "Bash tool", "Text
editor tool", "Memory tool", "Computer use tool".
"""

import re
from collections.abc import Mapping
from typing import Any

from engine.chat import Tool

_KIND = re.compile(r"(bash|text_editor|memory|computer)_\d{8}")
_TEXT: Mapping[str, Any] = {"type": "string"}
_NUMBER: Mapping[str, Any] = {"type": "integer"}
_PAIR: Mapping[str, Any] = {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2}
_EDITS: Mapping[str, Any] = {
    "path": {**_TEXT, "description": "Absolute path of the file or directory"},
    "view_range": {**_PAIR, "description": "For view: first and last line to show; -1 for the end of the file"},
    "file_text": {**_TEXT, "description": "For create: the content of the file"},
    "old_str": {**_TEXT, "description": "For str_replace: the text to be replaced; it must occur exactly once"},
    "new_str": {**_TEXT, "description": "For str_replace: the text in its place"},
    "insert_line": {**_NUMBER, "description": "For insert: the line after which the text is inserted; 0 for the start"},
    "insert_text": {**_TEXT, "description": "For insert: the text"},
}
_ACTIONS = (
    "key", "type", "mouse_move", "left_click", "left_click_drag", "right_click", "middle_click", "double_click",
    "triple_click", "left_mouse_down", "left_mouse_up", "scroll", "hold_key", "wait", "screenshot", "cursor_position",
    "zoom",
)  # fmt: skip


def is_client_tool(raw: Mapping[str, Any]) -> bool:
    """Return whether a tool is one of Anthropic's that the client runs."""
    kind = raw.get("type")
    return isinstance(kind, str) and _KIND.fullmatch(kind) is not None


def client_tool(raw: Mapping[str, Any], name: str, *, ends_cached_prefix: bool) -> Tool:
    """Return the function that stands for one of these tools, under its own name."""
    kind = str(raw["type"]).rpartition("_")[0]
    description, properties, required = _TOOLS[kind]
    if kind == "computer":
        size = f"{raw.get('display_width_px')} x {raw.get('display_height_px')}"
        description = f"{description} The screen has {size} pixels."
    schema = {"type": "object", "properties": dict(properties), "required": list(required)}
    return Tool(name, description, schema, ends_cached_prefix=ends_cached_prefix)


def _commands(*names: str) -> Mapping[str, Any]:
    return {"type": "string", "enum": list(names)}


_TOOLS: Mapping[str, tuple[str, Mapping[str, Any], tuple[str, ...]]] = {
    "bash": (
        "Run a command in a bash session that persists between calls; `restart` starts it anew.",
        {"command": {**_TEXT, "description": "The command"}, "restart": {"type": "boolean"}},
        (),
    ),
    "text_editor": (
        "View, create and edit files.",
        {"command": _commands("view", "create", "str_replace", "insert", "undo_edit"), **_EDITS},
        ("command", "path"),
    ),
    "memory": (
        "Read and write files in the directory /memories, which persists between conversations.",
        {
            "command": _commands("view", "create", "str_replace", "insert", "delete", "rename"),
            **_EDITS,
            "old_path": {**_TEXT, "description": "For rename: the present path"},
            "new_path": {**_TEXT, "description": "For rename: the new path"},
        },
        ("command",),
    ),
    "computer": (
        "Use a computer's screen, mouse and keyboard.",
        {
            "action": _commands(*_ACTIONS),
            "coordinate": {**_PAIR, "description": "x and y in pixels"},
            "start_coordinate": _PAIR,
            "region": {"type": "array", "items": _NUMBER, "description": "For zoom: x1, y1, x2, y2"},
            "text": {**_TEXT, "description": "The text to type, or the keys to press, such as ctrl+s"},
            "duration": {"type": "number", "description": "Seconds"},
            "scroll_direction": _commands("up", "down", "left", "right"),
            "scroll_amount": _NUMBER,
        },
        ("action",),
    ),
}
