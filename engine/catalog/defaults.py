"""The default offers and tariffs of the models `auto` and `smart`, and the size of a typical prompt."""

from typing import Any, Final

from engine.catalog.offers import Offer
from engine.chat import ChatRequest, Role, says

AUTO: Final[dict[str, Any]] = {
    "offers": (
        "deepseek/deepseek-v4-flash",
        "gemini/gemini-2.5-flash-lite",
        "openrouter/deepseek/deepseek-v4-flash",
        "groq/openai/gpt-oss-20b",
        "mistral/mistral-small-latest",
        "anthropic/claude-haiku-5-5",
        "openai/gpt-4o-mini",
        "local/default",
    ),
    "last_resort": ("openai/gpt-4o",),
    "usd_per_mtok": "5.00",
}
SMART: Final[dict[str, Any]] = {
    "offers": (
        "gemini/gemini-3.8-flash",
        "openai/gpt-4o",
        "anthropic/claude-haiku-4-5",
        "groq/openai/gpt-oss-120b",
    ),
    "markup": "1.40",
}

EMBEDDINGS: Final = (
    "openai/text-embedding-3-small",
    "openai/text-embedding-3-large",
    "openai/text-embedding-ada-002",
    "gemini/gemini-embedding-001",
    "gemini/gemini-embedding-2",
    "mistral/mistral-embed",
    "mistral/codestral-embed",
    "openrouter/openai/text-embedding-3-small",
    "openrouter/openai/text-embedding-3-large",
    "openrouter/google/gemini-embedding-001",
    "openrouter/mistralai/mistral-embed-2312",
    "openrouter/mistralai/codestral-embed-2505",
)
"""The embedding models that GET /v1/models lists, if their provider has a key."""


USUAL_REQUEST = ChatRequest("usual", "auto", (says(Role.USER, "x" * 2000),))
"""A prompt of usual size, to quote a price with. It is never sent."""


def default_offers() -> tuple[Offer, ...]:
    """Return every offer of the default models."""
    return tuple(Offer.named(name) for name in (*AUTO["offers"], *AUTO["last_resort"], *SMART["offers"]))
