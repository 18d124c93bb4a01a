"""OpenAI's own stand-in: reasoning models with fields of their own, padded deltas, a prompt cache."""

import re
from collections.abc import Mapping
from typing import Any

from sandbox.providers.checks.strict_schemas import check_strict
from sandbox.providers.dialects.openai import OpenAIStandIn, request_limit_headers, written_by_itself
from sandbox.providers.embeddings import AskedEmbeddings, check_tokens, dimensions_of, inputs_of
from sandbox.providers.exchange import ParsedRequest
from sandbox.providers.refusals import Refusal, StandInRefused

_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
_REASONING = re.compile(r"(^|/)(o\d|gpt-[5-9])")
_NO_NONE = re.compile(r"(^|/)(o\d|gpt-5(?!\.))")
_TOOLS_NEED_NONE = re.compile(r"(^|/)(gpt-5\.[2-9]|gpt-6)")
_NO_SAMPLING = frozenset({"stop", "logprobs", "top_logprobs", "logit_bias", "presence_penalty", "frequency_penalty"})
_NO_MINIMAL = re.compile(r"(^|/)gpt-5\.[1-9]")


_EMBEDDING_FIELDS = frozenset({"model", "input", "dimensions", "encoding_format", "user"})
_EMBEDDING_MODELS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}


class OpenAIOwnStandIn(OpenAIStandIn):
    """Reasoning models refuse `max_tokens` and a temperature."""

    models = ("gpt-4o-mini", "gpt-4o", "gpt-5-nano", "gpt-6-luna")

    def check(self, body: Mapping[str, Any], model: str) -> None:
        super().check(body, model)
        check_strict(body)
        effort = body.get("reasoning_effort", "low")
        if effort not in _EFFORTS and not (effort == "max" and "gpt-6" in model):
            message = f"Invalid value: '{effort}'. Supported values are: {', '.join(map(repr, _EFFORTS))}."
            raise StandInRefused(Refusal(400, message, code="invalid_value", param="reasoning_effort"))
        if effort == "minimal" and _NO_MINIMAL.search(model):
            message = f"Unsupported value: 'reasoning_effort' does not support '{effort}' with this model."
            raise StandInRefused(Refusal(400, message, code="unsupported_value", param="reasoning_effort"))
        if not _REASONING.search(model):
            if "reasoning_effort" in body:
                message = "Unrecognized request argument supplied: reasoning_effort"
                raise StandInRefused(Refusal(400, message, param="reasoning_effort"))
            return
        if effort == "none" and _NO_NONE.search(model):
            message = f"Unsupported value: 'reasoning_effort' does not support '{effort}' with this model."
            raise StandInRefused(Refusal(400, message, code="unsupported_value", param="reasoning_effort"))
        if refused := sorted(_NO_SAMPLING & set(body)):
            raise StandInRefused(_unsupported(refused[0], "It is not supported with this model."))
        if "max_tokens" in body:
            raise StandInRefused(_unsupported("max_tokens", "Use 'max_completion_tokens' instead."))
        if body.get("temperature", 1) != 1:
            raise StandInRefused(_unsupported("temperature", "Only the default (1) value is supported."))
        if _TOOLS_NEED_NONE.search(model) and body.get("tools") and body.get("reasoning_effort") != "none":
            message = (
                f"Function tools with reasoning_effort are not supported for {model} in /v1/chat/completions. "
                "To use function tools, use /v1/responses or set reasoning_effort to 'none'."
            )
            raise StandInRefused(Refusal(400, message, param="reasoning_effort"))

    def asked_embeddings(self, body: Mapping[str, Any], model: str) -> AskedEmbeddings:
        if unknown := sorted(set(body) - _EMBEDDING_FIELDS):
            message = f"Unrecognized request argument supplied: {unknown[0]}"
            raise StandInRefused(Refusal(400, message, param=unknown[0]))
        most = _EMBEDDING_MODELS.get(model)
        if most is None:
            raise StandInRefused(Refusal(403, "You are not allowed to generate embeddings from this model"))
        if "ada" in model and body.get("dimensions") is not None:
            raise StandInRefused(Refusal(400, "This model does not support specifying dimensions."))
        form = body.get("encoding_format", "float")
        if form not in {"float", "base64"}:
            raise StandInRefused(Refusal(400, f"Invalid value: '{form}'.", param="encoding_format"))
        asked = AskedEmbeddings(model, inputs_of(body), dimensions_of(body.get("dimensions"), most), form == "base64")
        check_tokens(asked)
        return asked

    def thinks(self, body: Mapping[str, Any], model: str) -> bool:
        return bool(_REASONING.search(model)) and body.get("reasoning_effort") not in {"none", "minimal"}

    def cached_written(self, asked: ParsedRequest, prompt: int, seen: int) -> tuple[int, int]:
        return seen, written_by_itself(asked.model, prompt, seen)

    def padding(self, asked: ParsedRequest, delta: Mapping[str, Any]) -> dict[str, Any]:
        """Return padding that gives each delta the same length, so that its size does not reveal its content."""
        if asked.options.get("include_obfuscation") is False or not delta.get("content"):
            return {}
        return {"obfuscation": "x" * (-len(delta["content"]) % 16)}

    def retry_headers(self, wait_seconds: float) -> dict[str, str]:
        milliseconds = {"retry-after-ms": str(int(wait_seconds * 1000)), "x-should-retry": "true"}
        return {**super().retry_headers(wait_seconds), **milliseconds}

    def limit_headers(self, limit: int, left: int, reset_seconds: float) -> dict[str, str]:
        return request_limit_headers(limit, left, reset_seconds)


def _unsupported(name: str, instead: str) -> Refusal:
    message = f"Unsupported parameter: '{name}' is not supported with this model. {instead}"
    return Refusal(400, message, code="unsupported_parameter", param=name)


STAND_IN = OpenAIOwnStandIn("OpenAI")
