"""The attempts at one offer that wait for their first token, and whether they show that it is silent."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from math import inf

CHANCE_OF_SILENCE = 1e-5  # waits that are less likely than this are a hang, before any of them is late by itself
MOST_COMPARED = 20  # of the waiting attempts, the oldest


@dataclass(slots=True)
class PendingAttempts:
    """The attempts that wait for a first token, oldest first.

    An attempt that may think has a later limit of its own.
    """

    began_at: dict[int, float] = field(default_factory=dict)
    _thinking_seconds: dict[int, float] = field(default_factory=dict)

    def begin(self, number: int, now: float) -> None:
        self.began_at[number] = now

    def think(self, number: int, seconds: float) -> None:
        """Let the attempt count as late only after `seconds`."""
        if number in self.began_at:
            self._thinking_seconds[number] = seconds

    @property
    def newest_at(self) -> float:
        """When the latest attempt began. It is called often by waiting prompts, so it must not search."""
        return next(reversed(self.began_at.values()), -inf)

    @property
    def oldest_at(self) -> float:
        """When the oldest attempt began; infinite if none waits."""
        return next(iter(self.began_at.values()), inf)

    def end(self, number: int) -> None:
        self.began_at.pop(number, None)
        self._thinking_seconds.pop(number, None)

    def answered(self, number: int) -> None:
        """Remove an attempt that got its first token, and all that began before it: the provider works."""
        began_at = self.began_at.get(number)
        if began_at is not None:
            for other in [each for each, at in self.began_at.items() if at <= began_at]:
                self.end(other)

    def hopeful(self, now: float, late_seconds: float) -> list[float]:
        """Return the start times of the attempts that have waited less than `late_seconds`."""
        return [
            began_at
            for number, began_at in self.began_at.items()
            if now - began_at < max(late_seconds, self._thinking_seconds.get(number, 0.0))
        ]

    def is_silent(self, now: float, waiting_chance: Callable[[float], float]) -> bool:
        """Return whether it is unlikely that so many attempts wait for so long by chance.

        `waiting_chance` returns the chance that a first token takes longer than the given seconds. An attempt that may
        think says nothing.
        """
        chance = 1.0
        for number, began_at in islice(self.began_at.items(), MOST_COMPARED):
            if number not in self._thinking_seconds:
                chance *= waiting_chance(now - began_at)
            if chance < CHANCE_OF_SILENCE:
                return True
        return False

    def late(self, now: float, late_seconds: float) -> int:
        """Return how many attempts have waited for `late_seconds` or longer."""
        count = 0
        for number, began_at in self.began_at.items():
            if now - began_at < late_seconds:
                break
            count += now - began_at >= self._thinking_seconds.get(number, 0.0)
        return count
