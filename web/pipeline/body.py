"""The body of a request, read as one JSON object."""

import json
import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from web import errors
from web.errors import HttpProblem

MOST_VALUES = 200_000
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)  # linear time: an unclosed string matches too


def parse_body(request: Request, raw: bytes) -> Mapping[str, Any]:
    """Return the JSON object of the body. Raises HttpProblem 415 or 400."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind not in {"application/json", "text/json"} and not kind.endswith("+json"):
        raise HttpProblem(415, f"The content type must be application/json, not {kind}.", code="unsupported_media_type")
    if _has_too_many_values(raw):
        raise errors.bad_request(None, f"The body has over {MOST_VALUES:,} JSON values.")
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise errors.bad_request(None, "The body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise errors.bad_request(None, "The body must be a JSON object.")
    return body


def _has_too_many_values(raw: bytes) -> bool:
    """Return True where parsing would stop the event loop: 20 MiB of `[]` take half a gigabyte and seconds."""
    return _count_separators(raw) > MOST_VALUES and _count_separators(_STRING.sub(b"", raw)) > MOST_VALUES


def _count_separators(raw: bytes) -> int:
    return raw.count(b",") + raw.count(b"[") + raw.count(b"{")
