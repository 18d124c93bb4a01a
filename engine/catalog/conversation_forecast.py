"""Conversation forecasts: the turns still expected, how much each adds, and the pauses between them.

Forecasts are learned per front end and tenant, by the number of turns so far. A tenant with few turns gets a forecast
close to that of the front end. The weight of old turns fades. `now` is passed in.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import exp
from typing import NamedTuple

from msgspec import Struct

from engine.catalog.prompt_cache import GAP_SECONDS, gap_class
from engine.recent_entries import RecentEntries

HTTP_PREFIX = "http:"
"""The beginning of conversation ids of the HTTP front end; all other ids are of chats."""

_FIRST_TURNS = (1, 2, 3, 5, 9)  # the first turn of each class of turns
_CLASSES = len(_FIRST_TURNS)
_MOST_CHANCE = 0.95
_FIRST_CHANCES, _FIRST_WEIGHT = (0.7,) * _CLASSES, 4.0
_OWN_KEPT_WEIGHT = 3.0
_OWN_WEIGHT = 30.0  # this many turns of one tenant weigh as much as those of all tenants
_WAIT_TIMES = 1.5  # a conversation stays open for this multiple of the mean gap: the longest gaps are seen last
_FIRST_GAP_SECONDS, _MOST_GAP_SECONDS, _FIRST_GROWTH_TOKENS = 60.0, 7200.0, 300.0
_MOST_SAMPLES_OF_ALL, _MOST_SAMPLES_OF_ONE, _MOST_SAMPLES_OF_CONVERSATION = 500.0, 50.0, 5.0
_MOST_CONVERSATIONS, _MOST_TENANTS = 10_000, 20_000
_NO_GAPS = (0.0,) * (len(GAP_SECONDS) + 1)


class Outlook(NamedTuple):
    """The turns that a conversation is expected to have after this one.

    `turns`: their number. `turns_squared`: the expected sum 1 + 2 + … over them, by which a growing history is priced.
    `growth_tokens`: tokens that each turn adds to the input. `gaps`: the distribution over the classes of gaps. `now`:
    the time of the forecast in seconds. `kept`: the share of a turn's prompt that the next one begins with.
    """

    turns: float
    turns_squared: float
    growth_tokens: float
    gaps: tuple[float, ...]
    now: float
    kept: float = 1.0


@dataclass(slots=True)
class _Fading:
    """A mean whose weight is capped at a number of samples: beyond it, a new sample replaces a part of the old ones."""

    value: float = 0.0
    samples: float = 0.0

    def add(self, value: float, most: float) -> None:
        self.samples = min(self.samples + 1, most)
        self.value += (value - self.value) / self.samples

    def blended(self, with_value: float, weight: float) -> float:
        return (self.value * self.samples + with_value * weight) / (self.samples + weight)


class _Conversation(Struct, gc=False):
    """A conversation so far. Most have one turn, so that nothing is made for the turns after it yet."""

    turns: int
    tokens: int
    at: float
    gaps: tuple[float, ...] = _NO_GAPS
    kept: _Fading | None = None

    def add(self, tokens: int, now: float, kept: float | None) -> None:
        """Count a turn. `kept`: the share of the prompt before that this turn's began with."""
        if kept is not None:
            self.kept = self.kept or _Fading()
            self.kept.add(kept, _MOST_SAMPLES_OF_CONVERSATION)
        if self.turns:
            gap = gap_class(now - self.at)
            self.gaps = tuple([count + (number == gap) for number, count in enumerate(self.gaps)])
        self.turns, self.tokens, self.at = self.turns + 1, tokens, now


@dataclass(slots=True)
class _Habits:
    """Learned habits of one front end, or of one tenant there. `gaps`: how often each class of gaps occurred.

    Three lists count turns by class of turns: those `asked`, those that `continued`, and those still `open`. An open
    turn counts as the share of its usual wait that is still ahead. A share falls exponentially, so that one number can
    hold the sum of all shares.
    """

    most_samples: float
    asked: list[float] = field(default_factory=lambda: [0.0] * _CLASSES)
    continued: list[float] = field(default_factory=lambda: [0.0] * _CLASSES)
    open: list[float] = field(default_factory=lambda: [0.0] * _CLASSES)
    at: float = 0.0
    growth_tokens: _Fading = field(default_factory=_Fading)
    gap_seconds: _Fading = field(default_factory=_Fading)
    gaps: list[float] = field(default_factory=lambda: [0.0] * (len(GAP_SECONDS) + 1))
    kept: _Fading = field(default_factory=_Fading)

    def add(self, turn: int, now: float, wait_seconds: float) -> None:
        """Count an answered turn. From now on it is open: the next turn may follow."""
        share = self._open_share(now, wait_seconds)
        self.open = [count * share for count in self.open]
        self.at = max(self.at, now)
        number = _turn_class(turn)
        if self.asked[number] >= 2 * self.most_samples:
            for counts in (self.asked, self.continued, self.open):
                counts[number] /= 2
        self.asked[number] += 1
        self.open[number] += 1

    def add_gap(self, turn: int, growth_tokens: float, gap_seconds: float) -> None:
        """Count that a turn was followed by another one after `gap_seconds`."""
        self.continued[_turn_class(turn)] += 1
        self.growth_tokens.add(growth_tokens, self.most_samples)
        self.gap_seconds.add(min(gap_seconds, _MOST_GAP_SECONDS), self.most_samples)
        if sum(self.gaps) >= 2 * self.most_samples:
            self.gaps = [count / 2 for count in self.gaps]
        self.gaps[gap_class(gap_seconds)] += 1

    def chances(self, now: float, wait_seconds: float, expected: Sequence[float], weight: float) -> list[float]:
        """Return the chance of a further turn by class of turns; with few samples it is close to the `expected` one."""
        share = self._open_share(now, wait_seconds)
        found = []
        for asked, continued, waiting, chance in zip(self.asked, self.continued, self.open, expected, strict=True):
            settled = asked - share * waiting
            learned = (continued + weight * chance) / (max(continued, settled) + weight)
            found.append(min(_MOST_CHANCE, learned))
        return found

    def _open_share(self, now: float, wait_seconds: float) -> float:
        return exp(min(0.0, self.at - now) / wait_seconds)


@dataclass(slots=True)
class _FrontEnd:
    """The conversations of one front end, the habits of all its tenants together, and those of each tenant."""

    habits: _Habits = field(default_factory=lambda: _Habits(_MOST_SAMPLES_OF_ALL))
    tenants: OrderedDict[int, _Habits] = field(default_factory=OrderedDict)
    conversations: RecentEntries[str, _Conversation] = field(default_factory=lambda: RecentEntries(_MOST_CONVERSATIONS))

    def wait_seconds(self) -> float:
        return _WAIT_TIMES * self.habits.gap_seconds.blended(_FIRST_GAP_SECONDS, _FIRST_WEIGHT)

    def habits_of(self, tenant_id: int | None) -> tuple[_Habits, ...]:
        if tenant_id is None:
            return (self.habits,)
        own = self.tenants.get(tenant_id)
        if own is None:
            own = self.tenants[tenant_id] = _Habits(_MOST_SAMPLES_OF_ONE)
            if len(self.tenants) > _MOST_TENANTS:
                self.tenants.popitem(last=False)
        return (self.habits, own)


@dataclass(slots=True)
class ConversationForecast:
    """Forecasts that learn from each answered turn. One object per process."""

    _front_ends: dict[bool, _FrontEnd] = field(default_factory=lambda: {True: _FrontEnd(), False: _FrontEnd()})

    def outlook(self, conversation: str, tenant_id: int | None, now: float) -> Outlook:
        """Return the further turns that are expected after the next one of a conversation."""
        front_end = self._front_ends[conversation.startswith(HTTP_PREFIX)]
        known, wait_seconds = front_end.conversations.get(conversation), front_end.wait_seconds()
        whole = front_end.habits
        own = front_end.tenants.get(tenant_id) if tenant_id is not None else None
        chances = whole.chances(now, wait_seconds, _FIRST_CHANCES, _FIRST_WEIGHT)
        growth = whole.growth_tokens.blended(_FIRST_GROWTH_TOKENS, 1.0)
        gaps = _shares(whole.gaps, (1.0, *(0.0 for _ in GAP_SECONDS)), 1.0)
        kept = whole.kept.blended(1.0, 1.0)
        if own is not None:
            chances = own.chances(now, wait_seconds, chances, _OWN_WEIGHT)
            growth = own.growth_tokens.blended(growth, _OWN_WEIGHT)
            gaps = _shares(own.gaps, gaps, _OWN_WEIGHT)
            kept = own.kept.blended(kept, _OWN_KEPT_WEIGHT)
        if known is not None:
            gaps = _shares(known.gaps, gaps, 2.0)
            kept = known.kept.blended(kept, 1.0) if known.kept else kept
        turns, turns_squared = _expected_turns(chances, known.turns + 1 if known else 1)
        return Outlook(turns, turns_squared, max(0.0, growth), gaps, now, kept)

    def answered(
        self, conversation: str, tenant_id: int | None, input_tokens: int, now: float, kept: float | None = None
    ) -> None:
        """Count an answered turn. `input_tokens`: the number that the provider reported for the turn.

        `kept`: the share of the prompt before that this one began with; None if there was none.
        """
        front_end = self._front_ends[conversation.startswith(HTTP_PREFIX)]
        known, wait_seconds = front_end.conversations.get(conversation), front_end.wait_seconds()
        known = known or _Conversation(0, input_tokens, now)
        for habits in front_end.habits_of(tenant_id):
            if known.turns:
                habits.add_gap(known.turns, input_tokens - known.tokens, now - known.at)
            habits.add(known.turns + 1, now, wait_seconds)
            if kept is not None:
                habits.kept.add(kept, habits.most_samples)
        known.add(input_tokens, now, kept)
        front_end.conversations.set(conversation, known)


def _expected_turns(chances: Sequence[float], turn: int) -> tuple[float, float]:
    """Return the expected number of turns after `turn`, and the expected sum 1 + 2 + … over them."""
    last = chances[-1]
    turns = last / (1 - last)
    squared = turns * (1 + turns)
    for number in range(_FIRST_TURNS[-1] - 1, turn - 1, -1):
        chance = chances[_TURN_CLASSES[number]]
        squared = chance * (1 + squared + turns)
        turns = chance * (1 + turns)
    return turns, squared


def _turn_class(turn: int) -> int:
    return _TURN_CLASSES[min(turn, _FIRST_TURNS[-1])]


_TURN_CLASSES = [max(0, sum(turn >= first for first in _FIRST_TURNS) - 1) for turn in range(_FIRST_TURNS[-1] + 1)]


def _shares(counts: Sequence[float], expected: tuple[float, ...], weight: float) -> tuple[float, ...]:
    if not any(counts):
        return expected
    total = sum(counts) + weight
    return tuple([(count + weight * share) / total for count, share in zip(counts, expected, strict=True)])
