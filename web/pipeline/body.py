"""The body of a request, read as one JSON object."""

import json
from collections.abc import Mapping
from typing import Any

from engine.json_limits import MOST_DEPTH, too_deep, too_deep_unparsed
from web import errors
from web.errors import HttpProblem


def parse_body(content_type: str, raw: bytes) -> Mapping[str, Any]:
    """Return the JSON object of the body. Raises HttpProblem 415 or 400."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in {"application/json", "text/json"} and not kind.endswith("+json"):
        raise HttpProblem(415, f"The content type must be application/json, not {kind}.", code="unsupported_media_type")
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
    return body


def _too_deep(field: str) -> HttpProblem:
    return errors.bad_request(field or None, f"{field or 'body'}: must not be nested deeper than {MOST_DEPTH} levels.")
