"""Mistral's stand-in: strict about fields, errors without an envelope."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sandbox.providers.checks.mistral import check_request
from sandbox.providers.dialects.base import dumps, names
from sandbox.providers.dialects.openai import OpenAIStandIn, request_limit_headers
from sandbox.providers.embeddings import AskedEmbeddings, dimensions_of, inputs_of
from sandbox.providers.exchange import ParsedRequest, StandInUsage
from sandbox.providers.refusals import OPENAI_REFUSALS, Refusal, StandInRefused

_FIELDS = names(
    "model messages stream max_tokens temperature top_p stop random_seed n tools tool_choice parallel_tool_calls "
    "response_format presence_penalty frequency_penalty prediction prompt_mode reasoning_effort prompt_cache_key "
    "safe_prompt metadata"
)
_EMBEDDING_FIELDS = names("model input output_dimension output_dtype encoding_format metadata")
_MOST_EMBEDDING_INPUTS, _MOST_EMBEDDING_TOKENS = 512, 16_384
_EFFORTS = ("none", "high")
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
    """Refuses every unknown field, even within messages, and always sends usage in the last chunk."""

    refusals = _REFUSALS
    models = ("mistral-small-latest", "ministral-3b-2512", "ministral-8b-2512")

    def check(self, body: Mapping[str, Any], model: str) -> None:
        if "reasoning_effort" in body and (model.startswith("ministral") or body["reasoning_effort"] not in _EFFORTS):
            message = f"reasoning_effort={body['reasoning_effort']!r} is not supported for this model"
            raise StandInRefused(Refusal(400, message, "invalid_request_error", "3051"))
        unknown: list[tuple[Any, ...]] = [("body", name) for name in sorted(set(body) - _FIELDS)]
        for number, message in enumerate(body.get("messages") or ()):
            more = set(message) - _MESSAGE_FIELDS if isinstance(message, dict) else ()
            unknown += [("body", "messages", number, name) for name in sorted(more)]
        _refuse(unknown)

    def asked_embeddings(self, body: Mapping[str, Any], model: str) -> AskedEmbeddings:
        _refuse([("body", name) for name in sorted(set(body) - _EMBEDDING_FIELDS)])
        wanted, can_choose = body.get("output_dimension"), "codestral" in model
        if wanted is not None and not can_choose:
            raise StandInRefused(Refusal(400, "This model does not support output_dimension.", code="3051"))
        inputs = inputs_of(body)
        if not all(isinstance(each, str) for each in inputs):
            _refuse([("body", "input")])
        if len(inputs) > _MOST_EMBEDDING_INPUTS:
            message = "Too many inputs in request, split into more batches."
            raise StandInRefused(Refusal(400, message, "invalid_request_prompt", "3210"))
        dimensions = dimensions_of(wanted, 3072, "output_dimension") if wanted is not None else 1536
        asked = AskedEmbeddings(model, inputs, dimensions if can_choose else 1024)
        if asked.tokens > _MOST_EMBEDDING_TOKENS:
            message = f"Too many tokens in batch. Max is {_MOST_EMBEDDING_TOKENS} got {asked.tokens}"
            raise StandInRefused(Refusal(400, message, "invalid_request_error", "3210"))
        return asked

    def check_messages(self, body: Mapping[str, Any], model: str, messages: list[Mapping[str, Any]]) -> None:
        super().check_messages(body, model, messages)
        check_request(body, messages)

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


def _refuse(unknown: list[tuple[Any, ...]]) -> None:
    """Raise StandInRefused for fields of the body that are not allowed."""
    if unknown:
        wrong = [{"type": "extra_forbidden", "loc": loc, "msg": "Extra inputs are not permitted"} for loc in unknown]
        raise StandInRefused(Refusal(422, dumps({"detail": wrong}), "invalid_request_error"))


STAND_IN = MistralStandIn("Mistral")
