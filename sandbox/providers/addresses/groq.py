"""Groq's stand-in: usage in a special field, text only for gpt-oss."""

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.providers.dialects.base import data, dumps
from sandbox.providers.dialects.openai import FIELDS, OpenAIStandIn
from sandbox.providers.exchange import StandInUsage
from sandbox.providers.refusals import OPENAI_REFUSALS, Refusal, StandInRefused

MOST_PICTURES = 5
_EFFORTS = (("gpt-oss", ("low", "medium", "high")), ("qwen3", ("none", "default")))
_FIELDS = FIELDS | {"include_reasoning", "reasoning_format"}
_REFUSALS = {
    **OPENAI_REFUSALS,
    "key_refused": Refusal(401, "Invalid API Key", code="invalid_api_key"),
    "money_gone": Refusal(402, "Your organization's balance is used up.", "billing_error", "insufficient balance"),
    "overloaded": Refusal(503, "Service unavailable", "internal_server_error"),
    "context_too_long": Refusal(
        400, "Please reduce the length of the messages or completion.", code="context_length_exceeded"
    ),
}


class GroqStandIn(OpenAIStandIn):
    """Reports usage in `x_groq`. The thinking of gpt-oss can't be switched off."""

    refusals = _REFUSALS
    models = ("openai/gpt-oss-20b", "openai/gpt-oss-120b", "qwen/qwen3-32b")

    def check(self, body: Mapping[str, Any], model: str) -> None:
        if unknown := sorted(set(body) - _FIELDS):
            raise StandInRefused(Refusal(400, f"property '{unknown[0]}' is unsupported", param=unknown[0]))
        effort = body.get("reasoning_effort")
        if effort is not None and effort not in next((found for part, found in _EFFORTS if part in model), ()):
            message = "`reasoning_effort` must be one of the values that this model takes"
            raise StandInRefused(Refusal(400, message, param="reasoning_effort"))
        messages = body.get("messages")
        if '"reasoning' in dumps(messages) or any(f'"{name}"' in dumps(body) for name in ("logprobs", "logit_bias")):
            raise StandInRefused(Refusal(400, "'messages.1' : property 'reasoning_content' is unsupported"))
        if dumps(messages).count('"type": "image_url"') > MOST_PICTURES:
            raise StandInRefused(Refusal(400, f"Too many images provided. This model supports up to {MOST_PICTURES}."))
        if "gpt-oss" in model and '"image_url"' in dumps(body.get("messages")):
            raise StandInRefused(
                Refusal(400, "messages[0].content must be a string: this model does not support image_url.")
            )

    def thinks(self, body: Mapping[str, Any], model: str) -> bool:
        return "gpt-oss" in model or ("qwen3" in model and body.get("reasoning_effort") != "none")

    def shows_thoughts(self, body: Mapping[str, Any]) -> bool:
        return body.get("include_reasoning") is not False

    def beside_finish(self, usage: StandInUsage) -> dict[str, Any]:
        return {"x_groq": {"id": "req_stand_in", "usage": self.usage_body(usage)}}

    def broken(self) -> Iterator[bytes]:
        yield data({"id": "chatcmpl-stand-in", "choices": [], "x_groq": {"error": "internal server error"}})


STAND_IN = GroqStandIn("Groq")
