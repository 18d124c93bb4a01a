"""The rate limits of a replay, in the forms that providers use. Each counts one policy's own requests."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

WINDOW_S = 60.0


class LimitShape(Protocol):
    def admits(self, at: float, most: float) -> bool:
        """Return whether one more request is within `most` per minute."""
        ...

    def took(self, at: float, *, admitted: bool) -> None:
        """Count a request."""
        ...


@dataclass(slots=True)
class SlidingMinute:
    """A limit per any 60 s. `counts_refused`: refused requests count too."""

    counts_refused: bool = False
    _taken: deque[float] = field(default_factory=deque)

    def admits(self, at: float, most: float) -> bool:
        while self._taken and self._taken[0] <= at - WINDOW_S:
            self._taken.popleft()
        return len(self._taken) < most

    def took(self, at: float, *, admitted: bool) -> None:
        if admitted or self.counts_refused:
            self._taken.append(at)


@dataclass(slots=True)
class FixedMinute:
    """A limit per minute of the clock; its minutes begin 42.7 s after the replay."""

    _minute: int = -1
    _taken: int = 0

    def admits(self, at: float, most: float) -> bool:
        minute = int((at + 17.3) // WINDOW_S)
        if minute != self._minute:
            self._minute, self._taken = minute, 0
        return self._taken < most

    def took(self, at: float, *, admitted: bool) -> None:  # noqa: ARG002 - the minute is that of `admits`
        self._taken += admitted


@dataclass(slots=True)
class TokenBucket:
    """A bucket of `most` requests that is refilled at the same rate per minute."""

    _tokens: float | None = None
    _at: float = 0.0

    def admits(self, at: float, most: float) -> bool:
        tokens = most if self._tokens is None else self._tokens
        self._tokens, self._at = min(most, tokens + (at - self._at) * most / WINDOW_S), at
        return self._tokens >= 1

    def took(self, at: float, *, admitted: bool) -> None:  # noqa: ARG002 - the time is that of `admits`
        if self._tokens is not None:
            self._tokens -= admitted


def new_shape(kind: str) -> LimitShape:
    """Return a limit of the form that belongs to a kind of fault."""
    return SlidingMinute(counts_refused=True) if kind == "limit-counted" else _SHAPES[kind]()


_SHAPES: Mapping[str, type[SlidingMinute | FixedMinute | TokenBucket]] = {
    "limit": SlidingMinute,
    "limit-minute": FixedMinute,
    "limit-bucket": TokenBucket,
}
LIMIT_KINDS = (*_SHAPES, "limit-counted")
