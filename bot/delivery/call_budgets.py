"""Budgets: how many calls in which time. The clock is the caller's; every `now` is in monotonic seconds."""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable
from itertools import count


class CallWindow:
    """At most `most` within any `seconds`."""

    def __init__(self, most: int, seconds: float) -> None:
        self.most, self.seconds = most, seconds
        self._spent: deque[float] = deque()

    def wait_seconds(self, now: float) -> float:
        """0 when one may be spent now."""
        left = self.left(now)
        return 0.0 if left > 0 else self._spent[-self.most] + self.seconds - now

    def left(self, now: float) -> int:
        while self._spent and self._spent[0] <= now - self.seconds:
            self._spent.popleft()
        return self.most - len(self._spent)

    def spend(self, now: float) -> None:
        self._spent.append(now)


class Pace:
    """One every `every_seconds`, after a burst of `burst` where nothing was spent for a while.

    The generic cell rate algorithm: over any t seconds at most burst + t / every_seconds.
    """

    def __init__(self, burst: int, every_seconds: float) -> None:
        self._every, self._slack = every_seconds, (burst - 1) * every_seconds
        self._next = float("-inf")

    def wait_seconds(self, now: float) -> float:
        """0 when one may be spent now."""
        wait = self._next - self._slack - now
        return wait if wait > 1e-6 else 0.0  # noqa: PLR2004 - a clock's grain, lest a waiter spin

    def spend(self, now: float) -> None:
        self._next = max(now, self._next) + self._every

    def is_fresh(self, now: float) -> bool:
        """True when nothing is remembered."""
        return self._next <= now


class CallGate:
    """Everybody's one door: opened at a pace, the most urgent first, in order among equals."""

    def __init__(self, pace: Pace, now: Callable[[], float]) -> None:
        self._pace, self._now = pace, now
        self._shut_until = float("-inf")
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._number = count()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_shut(self) -> bool:
        return self._now() < self._shut_until

    def shut(self, until: float) -> None:
        """Nobody passes before."""
        self._shut_until = max(self._shut_until, until)

    async def enter(self, urgency: int) -> None:
        """The least `urgency` passes first."""
        if not self._waiting and self._wait_seconds() == 0:
            self._pace.spend(self._now())
            return
        mine = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (urgency, next(self._number), mine))
        self._wind()
        await mine

    def _wait_seconds(self) -> float:
        now = self._now()
        return max(self._shut_until - now, self._pace.wait_seconds(now), 0.0)

    def _wind(self) -> None:
        if self._timer is None and self._waiting:
            self._timer = asyncio.get_running_loop().call_later(self._wait_seconds(), self._open)

    def _open(self) -> None:
        """Let in as many as may pass; whoever was cancelled meanwhile takes nobody's place."""
        self._timer = None
        while self._waiting and self._wait_seconds() == 0:
            _, _, first = heapq.heappop(self._waiting)
            if not first.done():
                self._pace.spend(self._now())
                first.set_result(None)
        self._wind()
