"""Fields that we add to a request: if a model refuses one, it is asked again without that field."""

from typing import Any

from engine.providers.errors.form_messages import JSON_OBJECT, NAMED_TOOL
from engine.providers.errors.turn_messages import ALTERNATION, SYSTEM_ROLE
from engine.providers.refusals import SIGNATURES, THINKING

USAGE_FIELD = "stream_options"
OUTPUT_FIELDS = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
"""Names of the field for the output limit, which is renamed if refused, never left out."""

OF_ONE_REQUEST = frozenset({SIGNATURES})
"""Fields that are left out of the repeated request only; later requests to the model have them again."""

FORMS = frozenset({SYSTEM_ROLE, ALTERNATION, JSON_OBJECT, NAMED_TOOL})
"""Forms of parts of a request, which a dialect changes if a model refuses them."""


def refused_field(own: frozenset[str], named: str) -> str:
    """Return the path of the added field that an error names; empty if it names none of them."""
    if named == THINKING:
        return next(iter(own - {USAGE_FIELD, *OUTPUT_FIELDS, *OF_ONE_REQUEST, *FORMS}), "")
    named_path = [_plain_name(part) for part in named.split(".")]
    for path in own:
        own_path = [_plain_name(part) for part in path.split(".")]
        if named_path[: len(own_path)] == own_path:
            return path
    return ""


def leave_out(body: dict[str, Any], paths: frozenset[str]) -> None:
    """Remove the fields at these paths from `body`. The output limit is renamed instead of removed."""
    for path in paths - OF_ONE_REQUEST:
        *parents, name = path.split(".")
        holder = body
        for parent in parents:
            holder = holder.get(parent) or {}
        value = holder.pop(name, None)
        if value is not None and name in OUTPUT_FIELDS:
            holder[OUTPUT_FIELDS[name]] = value


def _plain_name(name: str) -> str:
    """Return a field's name without case and underscores: errors name `thinkingConfig` as `thinking_config`."""
    return name.replace("_", "").lower()
