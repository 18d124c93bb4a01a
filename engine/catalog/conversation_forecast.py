"""Conversation forecasts: the turns still expected, their growth and the gaps between them. `now` is passed in.

Learned per front end and tenant, given the number of turns so far; a tenant with few turns is drawn towards its front
end. The weight of old turns fades.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.catalog.prompt_cache import GAP_SECONDS, gap_class

HTTP_PREFIX = "http:"
"""Begins the ids of conversations of the HTTP front end; all others are of the chat."""

_FIRST_TURNS = (1, 2, 3, 5, 9)  # the first turn of each class of turns
_CLASSES = len(_FIRST_TURNS)
_MOST_CHANCE = 0.95
_FIRST_CHANCE, _FIRST_WEIGHT = 0.5, 4.0
_OWN_WEIGHT = 10.0  # so many turns of a tenant weigh as much as those of all tenants
_FIRST_GAP_SECONDS, _FIRST_GROWTH_TOKENS = 60.0, 300.0
_END_GAPS = 2.0  # a conversation counts as ended after so many times the mean gap
_LEAST_END_SECONDS, _MOST_END_SECONDS = 30.0, 7200.0
_MOST_SAMPLES_OF_ALL, _MOST_SAMPLES_OF_ONE = 500.0, 50.0
_MOST_CONVERSATIONS, _MOST_TENANTS = 20_000, 20_000


class Outlook(NamedTuple):
    """The further turns of a conversation that are expected after this one.

    `turns`: their number. `turns_squared`: the expected sum 1 + 2 + … over them, by which a growing history is priced.
    `growth_tokens` that each turn adds to the input. `gaps`: the distribution over the classes of gaps.
    """

    turns: float
    turns_squared: float
    growth_tokens: float
    gaps: tuple[float, ...]


@dataclass(slots=True)
class _Conversation:
    tenant_id: int | None
    turns: int
    tokens: int
    at: float
    gaps: list[float]


@dataclass(slots=True)
class _Fading:
    """A mean of at most so many samples: a new sample replaces a part of the old ones."""

    value: float = 0.0
    samples: float = 0.0

    def add(self, value: float, most: float) -> None:
        self.samples = min(self.samples + 1, most)
        self.value += (value - self.value) / self.samples

    def correct(self, by: float) -> None:
        """Change an earlier sample."""
        if self.samples:
            self.value = min(1.0, self.value + by / self.samples)

    def blended(self, with_value: float, weight: float) -> float:
        return (self.value * self.samples + with_value * weight) / (self.samples + weight)


@dataclass(slots=True)
class _Habits:
    """The conversations of one front end, or of one tenant there. `chances` of a further turn, by class of turns."""

    most_samples: float
    chances: list[_Fading] = field(default_factory=lambda: [_Fading() for _ in _FIRST_TURNS])
    growth_tokens: _Fading = field(default_factory=_Fading)
    gap_seconds: _Fading = field(default_factory=_Fading)
    gaps: list[float] = field(default_factory=lambda: [0.0] * (len(GAP_SECONDS) + 1))

    def continued(self, turns: int, growth_tokens: float, gap_seconds: float, *, after_end: bool) -> None:
        chance = self.chances[_turn_class(turns)]
        if after_end:
            chance.correct(1.0)
        else:
            chance.add(1.0, self.most_samples)
        self.growth_tokens.add(growth_tokens, self.most_samples)
        self.gap_seconds.add(min(gap_seconds, _MOST_END_SECONDS), self.most_samples)
        if sum(self.gaps) >= self.most_samples:
            self.gaps = [count / 2 for count in self.gaps]
        self.gaps[gap_class(gap_seconds)] += 1

    def ended(self, turns: int) -> None:
        self.chances[_turn_class(turns)].add(0.0, self.most_samples)


@dataclass(slots=True)
class _FrontEnd:
    """The conversations of one front end: open ones by their last turn, and those counted as ended."""

    habits: _Habits = field(default_factory=lambda: _Habits(_MOST_SAMPLES_OF_ALL))
    tenants: OrderedDict[int, _Habits] = field(default_factory=OrderedDict)
    open: OrderedDict[str, _Conversation] = field(default_factory=OrderedDict)
    ended: OrderedDict[str, _Conversation] = field(default_factory=OrderedDict)

    def habits_of(self, tenant_id: int | None) -> tuple[_Habits, ...]:
        if tenant_id is None:
            return (self.habits,)
        own = self.tenants.get(tenant_id)
        if own is None:
            own = self.tenants[tenant_id] = _Habits(_MOST_SAMPLES_OF_ONE)
            if len(self.tenants) > _MOST_TENANTS:
                self.tenants.popitem(last=False)
        return (self.habits, own)

    def end_idle(self, now: float) -> None:
        gap_seconds = self.habits.gap_seconds.blended(_FIRST_GAP_SECONDS, _FIRST_WEIGHT)
        before = now - min(max(_END_GAPS * gap_seconds, _LEAST_END_SECONDS), _MOST_END_SECONDS)
        while self.open:
            name, oldest = next(iter(self.open.items()))
            if oldest.at >= before and len(self.open) <= _MOST_CONVERSATIONS:
                break
            del self.open[name]
            for habits in self.habits_of(oldest.tenant_id):
                habits.ended(oldest.turns)
            self.ended[name] = oldest
            if len(self.ended) > _MOST_CONVERSATIONS:
                self.ended.popitem(last=False)


@dataclass(slots=True)
class ConversationForecast:
    """Learns from each answered turn. One per process."""

    _front_ends: dict[bool, _FrontEnd] = field(default_factory=lambda: {True: _FrontEnd(), False: _FrontEnd()})

    def outlook(self, conversation: str, tenant_id: int | None) -> Outlook:
        """Return the further turns that are expected after the next one of a conversation."""
        front_end = self._front_ends[conversation.startswith(HTTP_PREFIX)]
        known = front_end.open.get(conversation) or front_end.ended.get(conversation)
        whole = front_end.habits
        own = front_end.tenants.get(tenant_id) if tenant_id is not None else None
        turns, turns_squared = _expected_turns(_chances(whole, own), known.turns + 1 if known else 1)
        growth = whole.growth_tokens.blended(_FIRST_GROWTH_TOKENS, 1.0)
        gaps = _shares(whole.gaps, (1.0, *(0.0 for _ in GAP_SECONDS)), 1.0)
        if own is not None:
            growth = own.growth_tokens.blended(growth, _OWN_WEIGHT)
            gaps = _shares(own.gaps, gaps, _OWN_WEIGHT)
        if known is not None:
            gaps = _shares(known.gaps, gaps, 2.0)
        return Outlook(turns, turns_squared, max(0.0, growth), gaps)

    def answered(self, conversation: str, tenant_id: int | None, input_tokens: int, now: float) -> None:
        """Count an answered turn. `input_tokens`: as reported for it."""
        front_end = self._front_ends[conversation.startswith(HTTP_PREFIX)]
        front_end.end_idle(now)
        known, after_end = front_end.open.pop(conversation, None), False
        if known is None:
            known = front_end.ended.pop(conversation, None)
            after_end = known is not None
        if known is None:
            known = _Conversation(tenant_id, 0, input_tokens, now, [0.0] * (len(GAP_SECONDS) + 1))
        else:
            growth_tokens, gap_seconds = input_tokens - known.tokens, now - known.at
            for habits in front_end.habits_of(tenant_id):
                habits.continued(known.turns, growth_tokens, gap_seconds, after_end=after_end)
            known.gaps[gap_class(gap_seconds)] += 1
        known.turns, known.tokens, known.at = known.turns + 1, input_tokens, now
        front_end.open[conversation] = known


def _chances(whole: _Habits, own: _Habits | None) -> list[float]:
    """Return the chance of a further turn by class of turns. Each class is drawn towards the one before it."""
    chances: list[float] = []
    chance = _FIRST_CHANCE
    for number in range(_CLASSES):
        chance = whole.chances[number].blended(chance, _FIRST_WEIGHT)
        found = chance if own is None else own.chances[number].blended(chance, _OWN_WEIGHT)
        chances.append(min(found, _MOST_CHANCE))
    return chances


def _expected_turns(chances: list[float], turn: int) -> tuple[float, float]:
    """Return the expected number of turns after `turn`, and the expected sum 1 + 2 + … over them."""
    last = chances[-1]
    turns = last / (1 - last)
    squared = turns * (1 + turns)
    for number in range(_FIRST_TURNS[-1] - 1, turn - 1, -1):
        chance = chances[_turn_class(number)]
        squared = chance * (1 + squared + turns)
        turns = chance * (1 + turns)
    return turns, squared


def _turn_class(turn: int) -> int:
    return _TURN_CLASSES[min(turn, _FIRST_TURNS[-1])]


_TURN_CLASSES = [max(0, sum(turn >= first for first in _FIRST_TURNS) - 1) for turn in range(_FIRST_TURNS[-1] + 1)]


def _shares(counts: list[float], expected: tuple[float, ...], weight: float) -> tuple[float, ...]:
    total = sum(counts) + weight
    return tuple((count + weight * share) / total for count, share in zip(counts, expected, strict=True))
