"""Prompt caches: the part of a conversation that a provider is expected to bill as cached. `now` is passed in.

Lifetimes and minimum lengths are the providers' own: DeepSeek keeps prompts for hours, OpenAI and Gemini for minutes
and from 1,024 tokens. They are a first guess: the share of cache hits is learned from the reported usage, by the time
between two turns. An offer without reports is expected to hit, even if its provider is said to cache on request only: a
few reports would correct that, but an offer that is never asked sends no reports.
"""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from operator import mul

from msgspec import Struct

from engine.catalog.offers import Offer
from engine.chat import ChatRequest, Message, Options, Text

LIFETIMES: tuple[tuple[str, float, int], ...] = (
    # (provider, seconds, tokens from which it caches)
    ("deepseek", 3600.0, 64),
    ("openai", 300.0, 1024),
    ("gemini", 300.0, 1024),
    ("openrouter", 300.0, 1024),
    ("groq", 300.0, 1024),
)
GAP_SECONDS = (60.0, 300.0, 3600.0)
"""The upper ends of the classes of gaps between two turns; the last class has none."""

_BY_PROVIDER = {provider: (seconds, least) for provider, seconds, least in LIFETIMES}
_USUAL = (300.0, 1024)
_MOST_CONVERSATIONS = 20_000
# the expected share of hits before any report, and the number of reports that weigh as much
_FIRST_SHARE, _FIRST_WEIGHT = 0.9, 2.0
_MOST_REPORTS = 50.0  # later reports replace earlier ones
_FORGET_SECONDS = 6 * 3600.0
_NOWHERE: Mapping[Offer, "SentPrompt"] = {}


class SentPrompt(Struct, frozen=True):
    """The last prompt of a conversation at one offer: number of messages, their hash, length and time."""

    messages: int
    fingerprint: int
    tokens: int
    at: float

    def is_prefix_of(self, prefix_hashes: Sequence[int]) -> bool:
        """Return whether a request with these hashes begins with the messages of this prompt."""
        return 0 < self.messages <= len(prefix_hashes) and prefix_hashes[self.messages - 1] == self.fingerprint


@dataclass(slots=True)
class OfferHits:
    """The share of a sent prompt that an offer bills as cached in the next turn, by class of gap.

    `least_tokens`: shorter prompts are not cached. `hoped`: optimistic shares, used for the choice of an offer: one
    standard deviation above the expected ones, which matters while there are few reports.
    """

    least_tokens: int
    lifetime_seconds: float
    shares: tuple[float, ...] = ()
    hoped: tuple[float, ...] = ()
    at: float = 0.0
    _reports: list[tuple[float, float]] = field(default_factory=lambda: [(0.0, 0.0)] * (len(GAP_SECONDS) + 1))

    def __post_init__(self) -> None:
        self._blend()

    @classmethod
    def of(cls, provider: str) -> "OfferHits":
        seconds, least = _BY_PROVIDER.get(provider, _USUAL)
        return cls(least, seconds)

    def learn(self, gap: int, share: float, now: float) -> None:
        """Add the reported share of cached tokens for a turn whose gap is of the class `gap`."""
        mean, weight = self._reports[gap]
        weight = min(weight + 1, _MOST_REPORTS)
        self._reports[gap] = (mean + (share - mean) / weight, weight)
        self.at = now
        self._blend()

    def share(self, gaps: Sequence[float]) -> float:
        """Return the expected share of hits for a distribution over the classes of gaps."""
        return float(sum(map(mul, self.shares, gaps)))

    def hope(self, gaps: Sequence[float]) -> float:
        """Return the optimistic share of hits, so that a few misses do not exclude an offer for ever."""
        (minute, minutes, hour, longer), (a, b, c, d) = self.hoped, gaps
        return minute * a + minutes * b + hour * c + longer * d

    def cached_tokens(self, sent: SentPrompt, now: float) -> int:
        """Return the input tokens that are expected to be billed as cached if the prompt `sent` was the last one."""
        return 0 if sent.tokens < self.least_tokens else int(sent.tokens * self.shares[gap_class(now - sent.at)])

    def forget(self, provider: str, now: float) -> None:
        self.lifetime_seconds, self.least_tokens = _BY_PROVIDER.get(provider, _USUAL)
        self._reports, self.at = [(0.0, 0.0)] * (len(GAP_SECONDS) + 1), now
        self._blend()

    def _blend(self) -> None:
        """Draw the share of a class with few reports towards that of the next shorter gap, or to zero after expiry."""
        shares: list[float] = []
        hoped: list[float] = []
        expected = _FIRST_SHARE
        for number, (mean, weight) in enumerate(self._reports):
            if number and GAP_SECONDS[number - 1] >= self.lifetime_seconds:
                expected = 0.0
            expected = (mean * weight + expected * _FIRST_WEIGHT) / (weight + _FIRST_WEIGHT)
            shares.append(expected)
            deviation = sqrt(expected * (1 - expected) / (weight + _FIRST_WEIGHT + 1))
            hoped.append(min(expected + deviation, max(expected, _FIRST_SHARE)))
        self.shares, self.hoped = tuple(shares), tuple(hoped)


@dataclass(slots=True)
class PromptCache:
    """The last prompt of each conversation, by offer, and the share of cache hits of each offer.

    It is used only for requests that belong to a conversation.
    """

    _sent: OrderedDict[str, dict[Offer, SentPrompt]] = field(default_factory=OrderedDict)
    _hits: dict[Offer, OfferHits] = field(default_factory=dict)

    def cached_tokens(self, request: ChatRequest, offer: Offer, now: float) -> int:
        """Return the input tokens that `offer` is expected to bill as cached."""
        sent = self.continued(request).get(offer)
        return 0 if sent is None else self.hits(offer, now).cached_tokens(sent, now)

    def continued(self, request: ChatRequest) -> Mapping[Offer, SentPrompt]:
        """Return the last prompts of the conversation, by offer, if the request begins with their messages."""
        found = self._sent.get(request.conversation)
        if found is None:
            return _NOWHERE
        prints = prefix_hashes(request.messages, hash_before_messages(request.options))
        return {offer: sent for offer, sent in found.items() if sent.is_prefix_of(prints)}

    def hits(self, offer: Offer, now: float) -> OfferHits:
        """Return an offer's cache hits.

        Reports are forgotten six hours after the last one, so that the offer is tried again.
        """
        found = self._hits.get(offer)
        if found is None:
            found = self._hits[offer] = OfferHits.of(offer.provider)
            found.at = now
        elif now - found.at > _FORGET_SECONDS:
            found.forget(offer.provider, now)
        return found

    def sent(self, request: ChatRequest, offer: Offer, input_tokens: int, cached_tokens: int, now: float) -> None:
        """Note that the provider now has the whole prompt cached, and correct the share of hits by `cached_tokens`."""
        by_offer = self._sent.setdefault(request.conversation, {})
        prints = prefix_hashes(request.messages, hash_before_messages(request.options))
        before = by_offer.get(offer)
        if before is not None and before.tokens > 0 and before.is_prefix_of(prints):
            hits = self.hits(offer, now)
            if cached_tokens > 0:
                hits.least_tokens = min(hits.least_tokens, before.tokens)
            if before.tokens >= hits.least_tokens:
                hits.learn(gap_class(now - before.at), min(1.0, cached_tokens / before.tokens), now)
        by_offer[offer] = SentPrompt(len(prints), prints[-1], input_tokens, now)
        self._sent.move_to_end(request.conversation)
        if len(self._sent) > _MOST_CONVERSATIONS:
            self._sent.popitem(last=False)


def gap_class(seconds: float) -> int:
    """Return the class of a gap between two turns, an index into the classes of GAP_SECONDS."""
    return bisect_left(GAP_SECONDS, seconds)


def hash_before_messages(options: Options) -> int:
    """Return a hash of the options that a provider writes before the messages: tools, and the form of the answer.

    A request that changes them misses the cache, which says nothing about the offer.
    """
    if not options.tools and not options.response_format:
        return 0
    tools = tuple((tool.name, tool.description, repr(tool.parameters)) for tool in options.tools)
    return hash((tools, repr(options.response_format)))


def prefix_hashes(messages: Sequence[Message], before: int = 0) -> list[int]:
    """Return a hash of the first message, of the first two, and so on, each together with `before`."""
    hashes: list[int] = []
    last = before
    for message in messages:
        part, role = message.parts[0] if len(message.parts) == 1 else None, id(message.role)  # an enum hashes slowly
        if type(part) is Text and not message.tool_calls and not message.tool_call_id and not message.name:
            last = hash((last, role, part.text))
        else:
            last = hash((last, role, message.parts, message.tool_calls, message.tool_call_id, message.name))
        hashes.append(last)
    return hashes
