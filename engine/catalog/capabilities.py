"""Abilities: what an offer may not be able to do, and what a request needs."""

from enum import StrEnum
from functools import lru_cache

from engine.catalog.token_counts import has_pictures
from engine.chat import ChatRequest
from engine.offer import Offer


class MissingCapability(StrEnum):
    """What an offer may not be able to do, as the reason why it is left out."""

    IMAGES = "takes no images"
    TOOLS = "calls no tools"
    JSON = "has no JSON mode"
    CHOICES = "gives one choice only"


_LACKS: tuple[tuple[str, frozenset[MissingCapability]], ...] = (
    # (a part of the offer's name, what it lacks). Groq: console.groq.com/docs/openai. Gemma: 400 "Function calling
    # is not enabled", likewise JSON mode. Whoever isn't listed is asked, and may say no: then the next one is.
    ("deepseek/", frozenset({MissingCapability.CHOICES})),
    ("groq/", frozenset({MissingCapability.CHOICES})),
    ("anthropic/claude", frozenset({MissingCapability.CHOICES})),
    ("deepseek", frozenset({MissingCapability.IMAGES})),
    ("gpt-oss", frozenset({MissingCapability.IMAGES})),
    ("codestral", frozenset({MissingCapability.IMAGES})),
    ("llama-3.1-", frozenset({MissingCapability.IMAGES})),
    ("llama-3.3-", frozenset({MissingCapability.IMAGES})),
    ("gpt-3.5", frozenset({MissingCapability.IMAGES})),
    ("gemini/gemma", frozenset({MissingCapability.TOOLS, MissingCapability.JSON})),
)
_OUTPUT_LIMITS: tuple[tuple[str, int], ...] = (
    # (a part of the offer's name, the most tokens that one answer may have): a higher limit is a 400 there.
    ("gpt-4o", 16_384),
    ("deepseek-v4", 65_536),
    ("gemini-2.5", 65_536),
    ("claude-haiku", 64_000),
)


def asked(request: ChatRequest) -> frozenset[MissingCapability]:
    """What the request needs that not everyone can."""
    options = request.options
    needs = {
        MissingCapability.IMAGES: has_pictures(request),
        MissingCapability.TOOLS: bool(options.tools),
        MissingCapability.JSON: options.wants_json,
        MissingCapability.CHOICES: request.n > 1,
    }
    return frozenset(lack for lack, needed in needs.items() if needed)


@lru_cache(maxsize=4096)
def lacks(offer: Offer) -> frozenset[MissingCapability]:
    return frozenset[MissingCapability]().union(*(found for mark, found in _LACKS if mark in offer.name))


@lru_cache(maxsize=4096)
def output_limit(offer: Offer) -> int | None:
    """The most tokens of one answer; None: unknown."""
    return next((limit for mark, limit in _OUTPUT_LIMITS if mark in offer.name), None)
