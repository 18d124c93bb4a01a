"""The body of a request, read as one JSON object."""

import json
from collections.abc import Mapping
from typing import Any

from engine.json_limits import MOST_DEPTH, exceeds, too_deep, too_deep_unparsed
from web import errors
from web.errors import HttpProblem
from web.requests.body import NOT_UTF8, is_utf8

MOST_SCHEMA_VALUES = 20_000
_WITH_SCHEMAS = ("tools", "functions", "response_format", "text", "output_config", "output_format")


def parse_body(content_type: str, raw: bytes) -> Mapping[str, Any]:
    """Return the JSON object of the body. Raises HttpProblem 415 or 400."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in {"application/json", "text/json"} and not kind.endswith("+json"):
        raise HttpProblem(415, f"The content type must be application/json, not {kind}.", code="unsupported_media_type")
    if not is_utf8(raw):
        raise NOT_UTF8.new()
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise errors.bad_request(None, "The body is not valid JSON.") from error
    except RecursionError as error:
        raise _too_deep(too_deep_unparsed(raw)) from error
    if not isinstance(body, dict):
        raise errors.bad_request(None, "The body must be a JSON object.")
    if raw.count(b"[") + raw.count(b"{") > MOST_DEPTH and (field := too_deep(body)):
        raise _too_deep(field)
    if raw.count(b",") + raw.count(b":") > MOST_SCHEMA_VALUES:
        _check_schemas(body)
    return body


def _check_schemas(body: Mapping[str, Any]) -> None:
    """Refuse schemas that are too large to be measured and rewritten for a provider while other requests wait."""
    for name in _WITH_SCHEMAS:
        if exceeds(body.get(name), MOST_SCHEMA_VALUES):
            raise errors.bad_request(name, f"{name}: must have at most {MOST_SCHEMA_VALUES:,} values in all.")


def _too_deep(field: str) -> HttpProblem:
    return errors.bad_request(field or None, f"{field or 'body'}: must not be nested deeper than {MOST_DEPTH} levels.")
