"""Requests that Messages here can't serve, refused with the details that Anthropic's SDKs act on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from web.errors import ErrorShape, HttpProblem


@dataclass(eq=False)
class DetailedProblem(HttpProblem):
    """An error with Anthropic's `details`."""

    details: Mapping[str, Any] = field(default_factory=dict)

    def body(self, shape: ErrorShape = ErrorShape.OPENAI, request_id: str | None = None) -> dict[str, Any]:
        body = super().body(shape, request_id)
        if shape is ErrorShape.ANTHROPIC:
            body["error"]["details"] = dict(self.details)
        return body


_UNSUPPORTED = {
    "thread": DetailedProblem(
        400,
        "thread: conversations are not kept here. Send the whole conversation in `messages`, without `thread`.",
        param="thread",
        details={"error_code": "thread_unsupported_request", "unsupported": ["thread"]},
    ),
    "compaction": DetailedProblem(
        400,
        "compaction: conversations are not summarized here. Leave out `compaction`, or shorten `messages` yourself.",
        param="compaction",
        details={"error_code": "compaction_unsupported"},
    ),
}
"""The tool runners of the SDKs send `thread`; after this error they send the whole conversation."""


def check_supported(body: Mapping[str, Any]) -> None:
    """Raise HttpProblem 400 for a field without which the answer would fit another conversation."""
    for name, problem in _UNSUPPORTED.items():
        if body.get(name) is not None:
            raise problem.new()
