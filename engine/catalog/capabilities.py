"""Abilities: what an offer may not be able to do, and what a request needs."""

from enum import StrEnum
from functools import lru_cache

from engine.catalog.token_counts import has_pictures
from engine.chat import ChatRequest
from engine.offer import Offer


class Lack(StrEnum):
    """What an offer may not be able to do, as the reason why it is left out."""

    IMAGES = "takes no images"
    TOOLS = "calls no tools"
    JSON = "has no JSON mode"
    CHOICES = "gives one choice only"


_LACKS: tuple[tuple[str, frozenset[Lack]], ...] = (
    # (a part of the offer's name, what it lacks). Groq: console.groq.com/docs/openai. Gemma: 400 "Function calling
    # is not enabled", likewise JSON mode. Whoever isn't listed is asked, and may say no: then the next one is.
    ("deepseek/", frozenset({Lack.CHOICES})),
    ("groq/", frozenset({Lack.CHOICES})),
    ("anthropic/claude", frozenset({Lack.CHOICES})),
    ("deepseek", frozenset({Lack.IMAGES})),
    ("gpt-oss", frozenset({Lack.IMAGES})),
    ("codestral", frozenset({Lack.IMAGES})),
    ("llama-3.1-", frozenset({Lack.IMAGES})),
    ("llama-3.3-", frozenset({Lack.IMAGES})),
    ("gpt-3.5", frozenset({Lack.IMAGES})),
    ("gemini/gemma", frozenset({Lack.TOOLS, Lack.JSON})),
)
_OUTPUT_LIMITS: tuple[tuple[str, int], ...] = (
    # (a part of the offer's name, the most tokens that one answer may have): a higher limit is a 400 there.
    ("gpt-4o", 16_384),
    ("deepseek-v4", 65_536),
    ("gemini-2.5", 65_536),
    ("claude-haiku", 64_000),
)


def asked(request: ChatRequest) -> frozenset[Lack]:
    """What the request needs that not everyone can."""
    options = request.options
    needs = {
        Lack.IMAGES: has_pictures(request),
        Lack.TOOLS: bool(options.tools),
        Lack.JSON: options.wants_json,
        Lack.CHOICES: request.n > 1,
    }
    return frozenset(lack for lack, needed in needs.items() if needed)


@lru_cache(maxsize=4096)
def lacks(offer: Offer) -> frozenset[Lack]:
    return frozenset[Lack]().union(*(found for mark, found in _LACKS if mark in offer.name))


@lru_cache(maxsize=4096)
def output_limit(offer: Offer) -> int | None:
    """The most tokens of one answer; None: unknown."""
    return next((limit for mark, limit in _OUTPUT_LIMITS if mark in offer.name), None)
