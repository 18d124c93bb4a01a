"""DeepSeek's stand-in: thinks by default, reports its balance."""

from collections.abc import Mapping
from typing import Any

from sandbox.providers.checks.openai import check_request
from sandbox.providers.dialects.openai import OpenAIStandIn, wanted_format
from sandbox.providers.exchange import ParsedRequest, StandInUsage
from sandbox.providers.refusals import OPENAI_REFUSALS, TOO_LONG_MESSAGE, Refusal, StandInRefused

_REFUSALS = {
    **OPENAI_REFUSALS,
    "no_key": Refusal(401, "Authentication Fails (auth header missing)", "authentication_error"),
    "key_refused": Refusal(401, "Authentication Fails, Your api key: ****-key is invalid", "authentication_error"),
    "money_gone": Refusal(402, "Insufficient Balance", "unknown_error", "invalid_request_error"),
    "overloaded": Refusal(503, "Service is too busy.", "service_unavailable_error"),
    "context_too_long": Refusal(400, TOO_LONG_MESSAGE, code="invalid_request_error"),
}


class DeepSeekStandIn(OpenAIStandIn):
    """Thinks unless switched off, always sends usage beside the finish reason, ignores unknown fields."""

    refusals = _REFUSALS
    keep_alive = b": keep-alive\n\n"
    blank_lines = True
    models = ("deepseek-v4-flash", "deepseek-v4-pro")

    def check(self, body: Mapping[str, Any], model: str) -> None:
        """Refuse schemas, and a forced tool while it thinks; ignore unknown fields."""
        if wanted_format(body) == "json_schema":
            raise StandInRefused(Refusal(400, "This response_format type is unavailable now"))
        if self.thinks(body, model) and body.get("tool_choice", "auto") not in ("auto", "none"):
            raise StandInRefused(Refusal(400, "Thinking mode does not support this tool_choice"))

    def check_messages(self, body: Mapping[str, Any], model: str, messages: list[Mapping[str, Any]]) -> None:
        check_request(body, messages, most_stops=16)
        answers = [message for message in messages if message["role"] == "assistant"]
        if self.thinks(body, model) and any("reasoning_content" not in message for message in answers):
            message = "The `reasoning_content` in the thinking mode must be passed back to the API."
            raise StandInRefused(Refusal(400, message, code="invalid_request_error"))

    def thinks(self, body: Mapping[str, Any], model: str) -> bool:  # noqa: ARG002
        return (body.get("thinking") or {}).get("type") != "disabled"

    def shows_thoughts(self, body: Mapping[str, Any]) -> bool:  # noqa: ARG002
        return True

    def thought(self, word: str) -> dict[str, str]:
        return {"reasoning_content": word}

    def usage_body(self, usage: StandInUsage) -> dict[str, Any]:
        output = usage.output + usage.thought
        return {
            "prompt_tokens": usage.prompt,
            "completion_tokens": output,
            "total_tokens": usage.prompt + output,
            "prompt_cache_hit_tokens": usage.cached,
            "prompt_cache_miss_tokens": usage.prompt - usage.cached,
            "completion_tokens_details": {"reasoning_tokens": usage.thought},
        }

    def beside_finish(self, usage: StandInUsage) -> dict[str, Any]:
        return {"usage": self.usage_body(usage)}

    def has_usage_chunk(self, asked: ParsedRequest) -> bool:  # noqa: ARG002
        return False

    def retry_headers(self, wait_seconds: float) -> dict[str, str]:  # noqa: ARG002 - DeepSeek never names the wait
        return {}

    def probes(self, *, has_money: bool) -> dict[str, Any]:
        balance = {"currency": "USD", "total_balance": "10.00" if has_money else "0.00"}
        account = {"is_available": has_money, "balance_infos": [balance]}
        return {**super().probes(has_money=has_money), "user/balance": account}


STAND_IN = DeepSeekStandIn("DeepSeek")
