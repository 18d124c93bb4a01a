"""Those who sell in OpenAI's dialect, each with its own turns of phrase."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from sandbox.providers.asked import Asked, StandInBill
from sandbox.providers.dialects.base import data, dumps, names
from sandbox.providers.dialects.openai import FIELDS, OpenAIStandIn
from sandbox.providers.refusals import Row, StandInRefused

_GROQ_FIELDS = FIELDS | {"include_reasoning", "reasoning_format"}
_MISTRAL_FIELDS = names(
    "model messages stream max_tokens temperature top_p stop random_seed n tools tool_choice parallel_tool_calls "
    "response_format presence_penalty frequency_penalty prediction prompt_mode reasoning_effort prompt_cache_key "
    "safe_prompt metadata"
)
_MISTRAL_MESSAGE_FIELDS = names("role content name prefix tool_calls tool_call_id")
_CREDITS_PER_TOKEN = (105e-9, 210e-9)  # as for deepseek-v4-flash: input, output


class DeepSeek(OpenAIStandIn):
    """Thinks unless told not to; usage comes always, beside the finish reason; takes unknown fields in silence."""

    comment = b": keep-alive\n\n"
    known: ClassVar[tuple[str, ...]] = ("deepseek-v4-flash", "deepseek-v4-pro")

    def check(self, body: Mapping[str, Any], model: str) -> None:
        """Nothing is refused."""

    def thinks(self, body: Mapping[str, Any], model: str) -> bool:  # noqa: ARG002
        return (body.get("thinking") or {}).get("type") != "disabled"

    def shows_thoughts(self, body: Mapping[str, Any]) -> bool:  # noqa: ARG002
        return True

    def thought(self, word: str) -> dict[str, str]:
        return {"reasoning_content": word}

    def usage(self, asked: Asked, bill: StandInBill) -> dict[str, Any]:  # noqa: ARG002
        output = bill.output + bill.thought
        return {
            "prompt_tokens": bill.prompt,
            "completion_tokens": output,
            "total_tokens": bill.prompt + output,
            "prompt_cache_hit_tokens": bill.cached,
            "prompt_cache_miss_tokens": bill.prompt - bill.cached,
            "completion_tokens_details": {"reasoning_tokens": bill.thought},
        }

    def beside_finish(self, bill: StandInBill) -> dict[str, Any]:
        return {"usage": self.usage(_NOBODY, bill)}

    def has_usage_chunk(self, asked: Asked) -> bool:  # noqa: ARG002
        return False

    def padding(self, asked: Asked, delta: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        return {}


class OpenRouter(OpenAIStandIn):
    """Says what it cost; an upstream's error comes as a chunk of its own."""

    comment = b": OPENROUTER PROCESSING\n\n"
    known: ClassVar[tuple[str, ...]] = ("deepseek/deepseek-v4-flash", "openai/gpt-oss-20b")

    def check(self, body: Mapping[str, Any], model: str) -> None:  # noqa: ARG002
        if "/" not in model:
            raise StandInRefused(Row(400, f"{model} is not a valid model ID"))

    def thinks(self, body: Mapping[str, Any], model: str) -> bool:
        wanted = body.get("reasoning") or {}
        return ("gpt-oss" in model or "deepseek" in model) and wanted.get("effort") != "none"

    def shows_thoughts(self, body: Mapping[str, Any]) -> bool:
        return not (body.get("reasoning") or {}).get("exclude")

    def usage(self, asked: Asked, bill: StandInBill) -> dict[str, Any]:
        each_in, each_out = _CREDITS_PER_TOKEN
        cost = bill.prompt * each_in + (bill.output + bill.thought) * each_out
        return {**super().usage(asked, bill), "cost": round(cost, 9)}

    def broken(self) -> Iterator[bytes]:
        error = {"code": 502, "message": "Provider disconnected", "metadata": {"provider_name": "Stand-in"}}
        choices = [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]
        yield data({"id": "gen-stand-in", "object": "chat.completion.chunk", "error": error, "choices": choices})

    def padding(self, asked: Asked, delta: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        return {"provider": "Stand-in"}


class Groq(OpenAIStandIn):
    """Usage hides in x_groq; gpt-oss can't be told not to think."""

    known: ClassVar[tuple[str, ...]] = ("openai/gpt-oss-20b", "openai/gpt-oss-120b", "qwen/qwen3-32b")

    def check(self, body: Mapping[str, Any], model: str) -> None:
        if unknown := sorted(set(body) - _GROQ_FIELDS):
            raise StandInRefused(Row(400, f"property '{unknown[0]}' is unsupported", param=unknown[0]))
        if "gpt-oss" in model and '"image_url"' in dumps(body.get("messages")):
            raise StandInRefused(
                Row(400, "messages[0].content must be a string: this model does not support image_url.")
            )

    def thinks(self, body: Mapping[str, Any], model: str) -> bool:
        return "gpt-oss" in model or ("qwen3" in model and body.get("reasoning_effort") != "none")

    def shows_thoughts(self, body: Mapping[str, Any]) -> bool:
        return body.get("include_reasoning") is not False

    def beside_finish(self, bill: StandInBill) -> dict[str, Any]:
        return {"x_groq": {"id": "req_stand_in", "usage": self.usage(_NOBODY, bill)}}

    def broken(self) -> Iterator[bytes]:
        yield data({"id": "chatcmpl-stand-in", "choices": [], "x_groq": {"error": "internal server error"}})

    def padding(self, asked: Asked, delta: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        return {}


class Mistral(OpenAIStandIn):
    """Refuses every field that it doesn't know; usage comes always, in the last chunk."""

    known: ClassVar[tuple[str, ...]] = ("mistral-small-latest", "ministral-3b-2512", "ministral-8b-2512")

    def check(self, body: Mapping[str, Any], model: str) -> None:  # noqa: ARG002
        unknown = [("body", name) for name in sorted(set(body) - _MISTRAL_FIELDS)]
        for number, message in enumerate(body.get("messages") or ()):
            more = set(message) - _MISTRAL_MESSAGE_FIELDS if isinstance(message, dict) else ()
            unknown += [("body", "messages", number, name) for name in sorted(more)]  # type: ignore[misc]
        if unknown:
            wrong = [
                {"type": "extra_forbidden", "loc": loc, "msg": "Extra inputs are not permitted"} for loc in unknown
            ]
            raise StandInRefused(Row(422, dumps({"detail": wrong}), "invalid_request_error"))

    def thinks(self, body: Mapping[str, Any], model: str) -> bool:  # noqa: ARG002
        return False

    def beside_finish(self, bill: StandInBill) -> dict[str, Any]:
        return {"usage": self.usage(_NOBODY, bill)}

    def has_usage_chunk(self, asked: Asked) -> bool:  # noqa: ARG002
        return False

    def cached_written(self, asked: Asked, prompt: int, seen: int) -> tuple[int, int]:  # noqa: ARG002
        return (seen if asked.options.get("prompt_cache_key") else 0), 0

    def padding(self, asked: Asked, delta: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        return {}


_NOBODY = Asked("", "", "", 0)
