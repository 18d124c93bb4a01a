"""Prompt caches: the part of a conversation that a provider is expected to have cached. `now` is passed in.

Lifetimes and least lengths are the providers': DeepSeek keeps prompts for hours, OpenAI and Gemini for minutes and from
1,024 tokens. Anthropic and Mistral cache only on request, and we send none.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from engine.catalog.offers import Offer
from engine.chat import ChatRequest

LIFETIMES: tuple[tuple[str, float, int], ...] = (
    # (provider, seconds, tokens from which it caches)
    ("deepseek", 3600.0, 64),
    ("openai", 300.0, 1024),
    ("gemini", 300.0, 1024),
    ("openrouter", 300.0, 1024),
    ("groq", 300.0, 1024),
)
_BY_PROVIDER = {provider: (seconds, least) for provider, seconds, least in LIFETIMES}
_MOST_CONVERSATIONS = 20_000
_MEMORY = 0.9


@dataclass(frozen=True, slots=True)
class _Sent:
    messages: int
    fingerprint: int
    tokens: int
    at: float


@dataclass(slots=True)
class PromptCache:
    """The last prompt of each conversation, by offer. Requests without a conversation do not come here."""

    _sent: OrderedDict[tuple[str, Offer], _Sent] = field(default_factory=OrderedDict)
    _hits: dict[Offer, float] = field(default_factory=dict)

    def cached_tokens(self, request: ChatRequest, offer: Offer, now: float) -> int:
        """Return the input tokens that `offer` is expected to bill as cached."""
        lifetime = _BY_PROVIDER.get(offer.provider)
        sent = self._sent.get((request.conversation, offer)) if lifetime else None
        if sent is None or lifetime is None or now - sent.at > lifetime[0] or sent.tokens < lifetime[1]:
            return 0
        if fingerprint(request, sent.messages) != sent.fingerprint:
            return 0
        return int(sent.tokens * self._hits.get(offer, 1.0))

    def sent(self, request: ChatRequest, offer: Offer, input_tokens: int, cached_tokens: int, now: float) -> None:
        """Note that the whole prompt is cached now, and correct the hit rate by the reported `cached_tokens`."""
        if offer.provider not in _BY_PROVIDER:
            return
        key = (request.conversation, offer)
        before = self._sent.get(key)
        if before is not None and self.cached_tokens(request, offer, now) > 0:
            share = min(1.0, cached_tokens / before.tokens)
            self._hits[offer] = _MEMORY * self._hits.get(offer, 1.0) + (1 - _MEMORY) * share
        count = len(request.messages)
        self._sent[key] = _Sent(count, fingerprint(request, count), input_tokens, now)
        self._sent.move_to_end(key)
        if len(self._sent) > _MOST_CONVERSATIONS:
            self._sent.popitem(last=False)


def fingerprint(request: ChatRequest, messages: int) -> int:
    """Return a hash of the first `messages` messages."""
    return hash(request.messages[:messages])
