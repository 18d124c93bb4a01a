"""OpenRouter's stand-in: a reseller that reports the cost of each answer and the remaining credit."""

import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from sandbox.providers.dialects.base import data
from sandbox.providers.dialects.openai import OpenAIStandIn, written_by_itself
from sandbox.providers.embeddings import AskedEmbeddings, check_tokens, dimensions_of, inputs_of
from sandbox.providers.exchange import ParsedRequest, StandInAnswer, StandInFrame, StandInUsage
from sandbox.providers.refusals import OPENAI_REFUSALS, Refusal, StandInRefused

_ALWAYS_REASONS = ("minimax", "gpt-oss", "grok-4")
_CREDITS_PER_TOKEN = (105e-9, 210e-9)  # prices of deepseek-v4-flash: input, output
_SIGNING = "google/gemini-3"
_NO_DETAILS = (
    "Provider returned error: Gemini models require OpenRouter reasoning details to be preserved in each request. "
    "Function call is missing a thought_signature in functionCall parts."
)
_EMBEDDING_DIMENSIONS = 1536
_EMBEDDING_CREDITS_PER_TOKEN = 20e-9  # price of text-embedding-3-small
_UPSTREAMS: Mapping[str, Mapping[str, bool]] = {
    "deepseek/": {"deepseek": True, "deepinfra": False},
    "google/": {"google-ai-studio": False, "google-vertex": False},
    "openai/": {"groq": False, "deepinfra": False},
}
"""The companies behind a model, by its name's beginning: whether each of them trains on prompts."""
_NONE_ALLOWED = "No allowed providers are available for the selected model."
_ALL_TRAIN = (
    "No endpoints found matching your data policy (Paid model training). "
    "Configure: https://openrouter.ai/settings/privacy"
)
_REFUSALS = {
    **OPENAI_REFUSALS,
    "no_key": Refusal(401, "No auth credentials found"),
    "key_refused": Refusal(401, "User not found."),
    "money_gone": Refusal(402, "Insufficient credits. Add more using https://openrouter.ai/settings/credits"),
    "overloaded": Refusal(502, "Provider returned error"),
}


class OpenRouterStandIn(OpenAIStandIn):
    """Reports its cost in `usage`, and sends an upstream's error as a chunk."""

    refusals = _REFUSALS
    keep_alive = b": OPENROUTER PROCESSING\n\n"
    models = ("deepseek/deepseek-v4-flash", "openai/gpt-oss-20b", "google/gemini-3.5-flash-lite")

    def check(self, body: Mapping[str, Any], model: str) -> None:
        if "/" not in model:
            raise StandInRefused(Refusal(400, f"{model} is not a valid model ID"))
        _check_upstreams(body.get("provider") or {}, model)
        is_off = (body.get("reasoning") or {}).get("effort") == "none"
        if is_off and any(part in model for part in _ALWAYS_REASONS):
            message = "Reasoning is mandatory for this endpoint and cannot be disabled."
            raise StandInRefused(Refusal(400, message))

    def check_messages(self, body: Mapping[str, Any], model: str, messages: list[Mapping[str, Any]]) -> None:
        super().check_messages(body, model, messages)
        for message in messages if _SIGNING in model else ():
            calls = message.get("tool_calls") or [{}]
            details = message.get("reasoning_details") or [{}]
            if calls[0].get("id") != details[0].get("id"):
                raise StandInRefused(Refusal(400, _NO_DETAILS))

    def _content(self, asked: ParsedRequest, index: int, answer: StandInAnswer) -> Iterator[StandInFrame]:
        """Yield the signature of a call after the call itself."""
        yield from super()._content(asked, index, answer)
        if answer.tool and _SIGNING in asked.model:
            signature = {"type": "reasoning.encrypted", "data": "c2lnbmVk", "id": answer.tool.id}
            details = [{**signature, "format": "google-gemini-v1", "index": 0}]
            yield StandInFrame(self._chunk(asked, index, {"reasoning_details": details}))

    def asked_embeddings(self, body: Mapping[str, Any], model: str) -> AskedEmbeddings:
        self.check(body, model)
        form = body.get("encoding_format", "float")
        dimensions = dimensions_of(body.get("dimensions"), _EMBEDDING_DIMENSIONS)
        asked = AskedEmbeddings(model, inputs_of(body), dimensions, form == "base64")
        check_tokens(asked)
        return asked

    def embedding_usage(self, asked: AskedEmbeddings) -> dict[str, Any]:
        return {**super().embedding_usage(asked), "cost": round(asked.tokens * _EMBEDDING_CREDITS_PER_TOKEN, 12)}

    def thinks(self, body: Mapping[str, Any], model: str) -> bool:
        wanted = body.get("reasoning") or {}
        return ("gpt-oss" in model or "deepseek" in model) and wanted.get("effort") != "none"

    def shows_thoughts(self, body: Mapping[str, Any]) -> bool:
        return not (body.get("reasoning") or {}).get("exclude")

    def usage_body(self, usage: StandInUsage) -> dict[str, Any]:
        each_in, each_out = _CREDITS_PER_TOKEN
        cost = usage.prompt * each_in + (usage.output + usage.thought) * each_out
        return {**super().usage_body(usage), "cost": round(cost, 9)}

    def broken(self) -> Iterator[bytes]:
        error = {"code": 502, "message": "Provider disconnected", "metadata": {"provider_name": "Stand-in"}}
        choices = [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]
        yield data({"id": "gen-stand-in", "object": "chat.completion.chunk", "error": error, "choices": choices})

    def padding(self, asked: ParsedRequest, delta: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        return {"provider": "Stand-in"}

    def cached_written(self, asked: ParsedRequest, prompt: int, seen: int) -> tuple[int, int]:
        return seen, written_by_itself(asked.model, prompt, seen)

    def error_body(self, refusal: Refusal, wait_seconds: float) -> dict[str, Any]:  # noqa: ARG002
        is_upstream = refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        upstream = {"metadata": {"provider_name": "Stand-in", "raw": refusal.message}} if is_upstream else {}
        return {"error": {"code": refusal.status, "message": refusal.message, **upstream}}

    def retry_headers(self, wait_seconds: float) -> dict[str, str]:
        reset_ms = int((time.time() + wait_seconds) * 1000)
        return {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset_ms)}

    def probes(self, *, has_money: bool) -> dict[str, Any]:
        left = {"label": "sandbox", "limit_remaining": 10.0 if has_money else 0.0}
        return {**super().probes(has_money=has_money), "key": {"data": left}}


def _check_upstreams(choice: Mapping[str, Any], model: str) -> None:
    """Raise StandInRefused if the request's choice excludes every company behind the model."""
    collection = choice.get("data_collection", "allow")
    if collection not in {"allow", "deny"}:
        raise StandInRefused(Refusal(400, f"Invalid enum value for provider.data_collection: {collection}"))
    behind = next((found for start, found in _UPSTREAMS.items() if model.startswith(start)), {"deepinfra": False})
    left = {name: trains for name, trains in behind.items() if name not in choice.get("ignore", ())}
    if not left:
        raise StandInRefused(Refusal(404, _NONE_ALLOWED))
    if collection == "deny" and all(left.values()):
        raise StandInRefused(Refusal(404, _ALL_TRAIN))


STAND_IN = OpenRouterStandIn("OpenRouter")
