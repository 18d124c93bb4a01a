"""OpenAI's embeddings: the body that is posted, and the reading of the response."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from engine.embeddings import EmbeddingCall, Embeddings
from engine.errors import Garbled
from engine.providers.embeddings.vectors import checked, parsed, vector
from engine.providers.errors.details import reports_error, reports_failure
from engine.providers.refusals import refusal
from engine.providers.reported_costs import reported_cost
from engine.providers.spec import Spec, upstream_choice
from engine.providers.streams.endings import count_of

PATH = "/embeddings"
MOST_DECIMAL_INPUTS = 64  # above this number, decimal numbers would take too long to parse if base64 is available
_USAGE = re.compile(rb'"usage"\s*:\s*(?=\{)')


def body(call: EmbeddingCall, spec: Spec) -> dict[str, Any]:
    """Return the allow-listed fields. The vectors have the form that the client wants; large calls use base64."""
    fields: dict[str, Any] = {"model": call.model, "input": list(call.inputs)}
    if call.dimensions is not None:
        fields[spec.dimensions_field] = call.dimensions
    is_decimal = call.as_floats and len(call.inputs) <= MOST_DECIMAL_INPUTS
    if spec.embeds_base64:
        fields["encoding_format"] = "float" if is_decimal else "base64"
    return fields | upstream_choice(call.exclusions, spec)


def read(answer: bytes, call: EmbeddingCall, spec: Spec) -> Embeddings:
    """Return the vectors and the usage of an answer. Raises Garbled, or the error that it reports."""
    data = parsed(answer)
    rows = data.get("data")
    has_rows = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
    if reports_error(data) or (reports_failure(data) and not (has_rows and rows)):
        raise refusal(None, data, {})
    if not isinstance(rows, list) or not has_rows:
        raise Garbled("an answer without embeddings")
    vectors = [vector(row.get("embedding")) for row in _in_order(rows)]
    cost = reported_cost(_exact_usage(answer)) if spec.reports_cost else None
    return Embeddings(checked(vectors, call), _tokens(data.get("usage")), cost)


def _in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows in the order of their inputs. Raises Garbled if an index is missing or occurs twice.

    Gemini's OpenAI endpoint leaves the index 0 out; Xinference counts on from the rows of another request.
    """
    given = [_whole(row.get("index")) for row in rows]
    if all(index is None for index in given):
        return rows
    indexes = [0 if index is None else index for index in given]
    if not all(type(index) is int for index in indexes):
        raise Garbled("embeddings whose indexes are not numbers")
    first = min(indexes)
    if first < 0 or sorted(indexes) != list(range(first, first + len(rows))):
        raise Garbled("embeddings whose indexes are not those of the inputs")
    return [row for _, row in sorted(zip(indexes, rows, strict=True), key=lambda each: each[0])]


def _whole(index: Any) -> Any:
    """Return an index as a number, if it is sent as a text or a float."""
    return count_of(index) if isinstance(index, str | float) else index


def _tokens(usage: Any) -> int | None:
    """Return the larger one of the two reported token counts; None if there is none."""
    if not isinstance(usage, Mapping):
        return None
    counts = [count_of(usage.get(name)) for name in ("prompt_tokens", "total_tokens", "input_tokens")]
    return max((count for count in counts if count > 0), default=None)


def _exact_usage(answer: bytes) -> Any:
    """Return the last object named `usage`, with its numbers as Decimal.

    To parse the vectors so would take too long.
    """
    found = list(_USAGE.finditer(answer))
    if not found:
        return None
    text = answer[found[-1].end() :].decode(errors="replace")
    return json.JSONDecoder(parse_float=Decimal).raw_decode(text)[0]
