"""Strict schemas, as OpenAI's stand-in takes them."""

from typing import Any

import pytest

from sandbox.providers.checks.strict_schemas import check_strict
from sandbox.providers.refusals import StandInRefused

CLOSED: Any = {"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": False}
OPEN: Any = {"type": "object", "properties": {"a": {}}, "required": ["a"]}
OPTIONAL: Any = {**CLOSED, "required": []}


def body(schema: Any, *, strict: bool = True, as_tool: bool = False) -> dict[str, Any]:
    if as_tool:
        function = {"name": "f", "parameters": schema, "strict": strict}
        return {"tools": [{"type": "function", "function": function}]}
    return {
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": strict}}
    }


@pytest.mark.parametrize("as_tool", [False, True])
@pytest.mark.parametrize("schema", [OPEN, OPTIONAL, {**CLOSED, "properties": {"a": {"anyOf": [OPEN]}}}])
def test_open_or_optional_is_refused_where_strict_is_asked_for(schema: Any, *, as_tool: bool) -> None:
    with pytest.raises(StandInRefused):
        check_strict(body(schema, as_tool=as_tool))
    check_strict(body(schema, strict=False, as_tool=as_tool))
    check_strict(body(CLOSED, as_tool=as_tool))
