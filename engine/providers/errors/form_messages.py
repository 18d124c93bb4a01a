"""Templates of messages that refuse a form of JSON mode, or of the choice of a tool, which has another form too."""

import re

from engine.providers.message_templates import matched

JSON_OBJECT, NAMED_TOOL = "forms.json_object", "forms.named_tool"
"""The `field` of an error that refuses JSON mode without a schema, and of one that refuses the name of a tool."""
_JSON_OBJECT = (re.compile(r"'response_format\.type' must be 'json_schema' or 'text'\.?"),)  # LM Studio
_NAMED_TOOL = tuple(
    re.compile(template)
    for template in (
        # LM Studio
        r"Invalid tool_choice type: 'object'\. Supported string values: none, auto, required",
        r"Expected 'none' \| 'auto' \| 'required', received object",
    )
)


def refused_form(message: str) -> str:
    """Return JSON_OBJECT or NAMED_TOOL if a message refuses that form; empty for any other message."""
    if matched(_JSON_OBJECT, message) is not None:
        return JSON_OBJECT
    return NAMED_TOOL if matched(_NAMED_TOOL, message) is not None else ""
