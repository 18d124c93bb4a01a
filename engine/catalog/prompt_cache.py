"""Prompt caches: the part of a conversation that a provider is expected to bill as cached. `now` is passed in.

Lifetimes and minimum lengths are the providers' own: DeepSeek keeps prompts for hours, OpenAI and Gemini for minutes
and from 1,024 tokens. They are a first guess: the share of cache hits is learned from the reported usage, by the time
between two turns. An offer without reports is expected to hit, even if its provider is said to cache on request only: a
few reports would correct that, but an offer that is never asked sends no reports.
"""

from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from operator import mul

from msgspec import Struct
from msgspec.structs import replace

from engine.catalog.offers import Offer
from engine.chat import ChatRequest, Message, Options, Role, Text
from engine.recent_entries import RecentEntries

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
_MOST_CONVERSATIONS = 10_000
# the expected share of hits before any report, and the number of reports that weigh as much
_FIRST_SHARE, _FIRST_WEIGHT = 0.9, 2.0
_LEAST_TOKENS, _SHORT_MISSES = 64, 3
_MOST_REPORTS = 50.0  # later reports replace earlier ones
_MESSAGE_CHARS, _PICTURE_CHARS = 16, 4000
_LONG_SYSTEM_CHARS, _MOST_SYSTEM_PROMPTS = 1000, 2000
_FORGET_SECONDS = 6 * 3600.0
_NOWHERE: Mapping[Offer, "SentPrompt"] = {}
_NO_MARKS = array("q")


class SentPrompt(Struct, frozen=True, gc=False):
    """The last prompt of a conversation at one offer: number of messages, their hash, length and time.

    `marks`: for each message the hash up to it, then the characters up to it. `other`: the prompt before, if this one
    does not continue it, such as another branch of the conversation.
    """

    messages: int
    fingerprint: int
    tokens: int
    at: float
    marks: "array[int]" = _NO_MARKS
    other: "SentPrompt | None" = None

    def is_prefix_of(self, prefix_hashes: Sequence[int]) -> bool:
        """Return whether a request with these hashes begins with the messages of this prompt."""
        return 0 < self.messages <= len(prefix_hashes) and prefix_hashes[self.messages - 1] == self.fingerprint

    def shared(self, prefix_hashes: Sequence[int]) -> "SentPrompt | None":
        """Return the part of this prompt, or of the other one, that a request with these hashes begins with."""
        if self.is_prefix_of(prefix_hashes):
            return self
        own = self._beginning(prefix_hashes)
        other = self.other and self.other.shared(prefix_hashes)
        return other if other and (own is None or own.tokens < other.tokens) else own

    def _beginning(self, prefix_hashes: Sequence[int]) -> "SentPrompt | None":
        marks, most = self.marks, min(len(self.marks) // 2, len(prefix_hashes))
        count = bisect_left(range(most), True, key=lambda number: marks[2 * number] != prefix_hashes[number])
        if not count:
            return None
        tokens = self.tokens * marks[2 * count - 1] // max(1, marks[-1])
        return SentPrompt(count, prefix_hashes[count - 1], tokens, self.at)


@dataclass(slots=True)
class OfferHits:
    """The share of a sent prompt that an offer bills as cached in the next turn, by class of gap.

    `least_tokens`: shorter prompts are not cached. `hoped_least_tokens`: less than that, until a few shorter ones
    missed. `hoped`: optimistic shares, used for the choice of an offer: one standard deviation above the expected ones,
    which matters while there are few reports.
    """

    least_tokens: int
    lifetime_seconds: float
    hoped_least_tokens: int = 0
    shares: tuple[float, ...] = ()
    hoped: tuple[float, ...] = ()
    at: float = 0.0
    _short_misses: int = 0
    _reports: list[tuple[float, float]] = field(default_factory=lambda: [(0.0, 0.0)] * (len(GAP_SECONDS) + 1))

    def __post_init__(self) -> None:
        self._hope_for_short()
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

    def missed_short(self) -> None:
        """Count a miss of a prompt that is shorter than `least_tokens`."""
        self._short_misses += 1
        self._hope_for_short()

    def hit(self, tokens: int) -> None:
        """Note that a prompt of this length was cached."""
        self.least_tokens = min(self.least_tokens, tokens)
        self._hope_for_short()

    def _hope_for_short(self) -> None:
        known = self._short_misses >= _SHORT_MISSES
        self.hoped_least_tokens = self.least_tokens if known else min(self.least_tokens, _LEAST_TOKENS)

    def forget(self, provider: str, now: float) -> None:
        self.lifetime_seconds, self.least_tokens = _BY_PROVIDER.get(provider, _USUAL)
        self._reports, self.at, self._short_misses = [(0.0, 0.0)] * (len(GAP_SECONDS) + 1), now, 0
        self._hope_for_short()
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

    It is used only for requests that belong to a conversation. Conversations of one tenant share their system prompt.
    """

    # for each conversation the items of a dict, which take half of its memory
    _sent: RecentEntries[str, tuple[tuple[Offer, SentPrompt], ...]] = field(
        default_factory=lambda: RecentEntries(_MOST_CONVERSATIONS)
    )
    _systems: RecentEntries[tuple[int, int], dict[Offer, SentPrompt]] = field(
        default_factory=lambda: RecentEntries(_MOST_SYSTEM_PROMPTS)
    )
    _hits: dict[Offer, OfferHits] = field(default_factory=dict)

    def cached_tokens(self, request: ChatRequest, offer: Offer, now: float) -> int:
        """Return the input tokens that `offer` is expected to bill as cached."""
        sent = self.continued(request).get(offer)
        return 0 if sent is None else self.hits(offer, now).cached_tokens(sent, now)

    def continued(self, request: ChatRequest, tenant_id: int = 0) -> Mapping[Offer, SentPrompt]:
        """Return what each offer has had of the request: a part of the conversation, or the tenant's system prompt."""
        found, has_system = self._sent.get(request.conversation), _has_long_system(request.messages)
        if found is None and not (has_system and len(self._systems)):
            return _NOWHERE
        prints = prefix_hashes(request.messages, hash_before_messages(request.options))
        systems = self._systems.get((tenant_id, prints[0])) if has_system else None
        own = {offer: shared for offer, sent in found or () if (shared := sent.shared(prints)) is not None}
        return own if systems is None else {**systems, **own}

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

    def sent(
        self, request: ChatRequest, offer: Offer, input_tokens: int, cached_tokens: int, now: float, by: int = 0
    ) -> float | None:
        """Note that the provider now has the whole prompt cached, and correct the share of hits by `cached_tokens`.

        Return the share of the conversation's last prompt, at any offer, that this one begins with; None for the first.
        `by`: the tenant.
        """
        by_offer = dict(self._sent.get(request.conversation) or ())
        prints = prefix_hashes(request.messages, hash_before_messages(request.options))
        last = by_offer[next(reversed(by_offer))] if by_offer else None
        before = by_offer.pop(offer, None)
        shared = None if before is None else before.shared(prints)
        marks = _marks(prints, request.messages) if len(prints) > 1 else _NO_MARKS
        if _has_long_system(request.messages):
            systems = self._systems.get((by, prints[0])) or {}
            shared = shared or systems.get(offer)
            system = SentPrompt(1, prints[0], input_tokens * marks[1] // marks[-1], now)
            self._systems.set((by, prints[0]), {**systems, offer: system})
        if shared is not None and shared.tokens > 0:
            self._learn(offer, shared, cached_tokens, now)
        other = None if before is None or before.is_prefix_of(prints) else replace(before, other=None)
        by_offer[offer] = SentPrompt(len(prints), prints[-1], input_tokens, now, marks, other)
        self._sent.set(request.conversation, tuple(by_offer.items()))
        if last is None:
            return None
        return max(_kept_share(last, prints), min(1.0, cached_tokens / max(1, last.tokens)) if last is before else 0.0)

    def _learn(self, offer: Offer, before: SentPrompt, cached_tokens: int, now: float) -> None:
        hits = self.hits(offer, now)
        if cached_tokens > 0:
            hits.hit(before.tokens)
        if before.tokens >= hits.least_tokens:
            hits.learn(gap_class(now - before.at), min(1.0, cached_tokens / before.tokens), now)
        else:
            hits.missed_short()


def _has_long_system(messages: Sequence[Message]) -> bool:
    return len(messages) > 1 and messages[0].role is Role.SYSTEM and len(messages[0].text) >= _LONG_SYSTEM_CHARS


def _kept_share(last: SentPrompt, prefix_hashes: Sequence[int]) -> float:
    shared = last.shared(prefix_hashes)
    return 0.0 if shared is None else min(1.0, shared.tokens / max(1, last.tokens))


def _marks(prefix_hashes: Sequence[int], messages: Sequence[Message]) -> "array[int]":
    """Return for each message the hash up to it, then the number of characters up to it."""
    marks, chars = array("q"), 0
    for fingerprint, message in zip(prefix_hashes, messages, strict=True):
        chars += _MESSAGE_CHARS
        for part in message.parts:
            chars += len(part.text) if type(part) is Text else _PICTURE_CHARS
        for call in message.tool_calls:
            chars += len(call.arguments)
        marks.append(fingerprint)
        marks.append(chars)
    return marks


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
