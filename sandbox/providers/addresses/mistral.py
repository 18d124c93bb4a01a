"""Mistral's stand-in: strict about fields, errors without an envelope."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sandbox.providers.dialects.base import dumps, names
from sandbox.providers.dialects.openai import OpenAIStandIn, request_limit_headers
from sandbox.providers.exchange import ParsedRequest, StandInUsage
from sandbox.providers.refusals import OPENAI_REFUSALS, Refusal, StandInRefused

_FIELDS = names(
    "model messages stream max_tokens temperature top_p stop random_seed n tools tool_choice parallel_tool_calls "
    "response_format presence_penalty frequency_penalty prediction prompt_mode reasoning_effort prompt_cache_key "
    "safe_prompt metadata"
)
_MESSAGE_FIELDS = names("role content name prefix tool_calls tool_call_id")
_LIMITED = Refusal(429, "Requests rate limit exceeded", "rate_limited", "1300")
_REFUSALS = {
    **OPENAI_REFUSALS,
    "no_key": Refusal(401, "Unauthorized", "unauthorized"),
    "key_refused": Refusal(401, "Unauthorized", "unauthorized"),
    "429": _LIMITED,
    "429_untold": replace(_LIMITED),
    "money_gone": Refusal(402, "Insufficient balance. Please check your billing.", "billing_error", "1500"),
    "overloaded": Refusal(503, "Service unavailable", "service_unavailable", "3505"),
}


class MistralStandIn(OpenAIStandIn):
    """Refuses every unknown field, also within messages, and always sends usage in the last chunk."""

    refusals = _REFUSALS
    models = ("mistral-small-latest", "ministral-3b-2512", "ministral-8b-2512")

    def check(self, body: Mapping[str, Any], model: str) -> None:  # noqa: ARG002
        unknown = [("body", name) for name in sorted(set(body) - _FIELDS)]
        for number, message in enumerate(body.get("messages") or ()):
            more = set(message) - _MESSAGE_FIELDS if isinstance(message, dict) else ()
            unknown += [("body", "messages", number, name) for name in sorted(more)]  # type: ignore[misc]
        if unknown:
            wrong = [
                {"type": "extra_forbidden", "loc": loc, "msg": "Extra inputs are not permitted"} for loc in unknown
            ]
            raise StandInRefused(Refusal(422, dumps({"detail": wrong}), "invalid_request_error"))

    def beside_finish(self, usage: StandInUsage) -> dict[str, Any]:
        return {"usage": self.usage_body(usage)}

    def has_usage_chunk(self, asked: ParsedRequest) -> bool:  # noqa: ARG002
        return False

    def cached_written(self, asked: ParsedRequest, prompt: int, seen: int) -> tuple[int, int]:  # noqa: ARG002
        return (seen if asked.options.get("prompt_cache_key") else 0), 0

    def error_body(self, refusal: Refusal, wait_seconds: float) -> dict[str, Any]:
        return {"object": "error", **super().error_body(refusal, wait_seconds)["error"]}

    def limit_headers(self, limit: int, left: int, reset_seconds: float) -> dict[str, str]:
        return request_limit_headers(limit, left, reset_seconds)


STAND_IN = MistralStandIn("Mistral")
