"""Error answers of stand-ins: one row per cause, in OpenAI's words unless the provider's file overrides them."""

from collections.abc import Mapping
from dataclasses import dataclass

WAIT_SECONDS = 5.0
SHORT_CONTEXT_TOKENS = 4096
DOWN_MESSAGE = "The server is unreachable: its plug was pulled in the sandbox."
TOO_LONG_MESSAGE = (
    f"This model's maximum context length is {SHORT_CONTEXT_TOKENS} tokens. However, you requested 5000 tokens. "
    "Please reduce the length of the messages or completion."
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error answer. `kind` and `code` are placed as in the dialect; for Gemini, `kind` is the status word."""

    status: int
    message: str
    kind: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None


class StandInRefused(Exception):
    """A request that is answered with `refusal`."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


# Refusals by mode. "no_key" and "malformed" are not modes: they answer requests without a key or without valid JSON.
OPENAI_REFUSALS: Mapping[str, Refusal] = {
    "no_key": Refusal(401, "You didn't provide an API key."),
    "malformed": Refusal(400, "We could not parse the JSON body of your request."),
    "key_refused": Refusal(401, "Incorrect API key provided: sandbox-****-key.", code="invalid_api_key"),
    "429": Refusal(429, "Rate limit reached for requests. Please try again in 5s.", "requests", "rate_limit_exceeded"),
    "429_untold": Refusal(
        429, "Rate limit reached for requests. Please try again in 5s.", "requests", "rate_limit_exceeded"
    ),
    "down": Refusal(503, DOWN_MESSAGE, "server_error"),
    "overloaded": Refusal(
        503, "The server is overloaded. Please try again later.", "server_error", "server_is_overloaded"
    ),
    "error_500": Refusal(500, "The server had an error while processing your request.", "server_error"),
    "moderated": Refusal(400, "The prompt was flagged by moderation.", code="content_policy_violation"),
    "context_too_long": Refusal(400, TOO_LONG_MESSAGE, code="context_length_exceeded", param="messages"),
    "money_gone": Refusal(
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        "credit_balance_exhausted",
    ),
}
REFUSING_MODES = frozenset(OPENAI_REFUSALS) - {"no_key", "malformed"}
