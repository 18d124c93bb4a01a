"""Budgets of calls over time. The caller passes the time: each `now` is in monotonic seconds."""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable
from itertools import count


class CallWindow:
    """A limit of `most` calls within any `seconds`."""

    def __init__(self, most: int, seconds: float) -> None:
        self.most, self.seconds = most, seconds
        self._spent: deque[float] = deque()

    def wait_seconds(self, now: float) -> float:
        """Return the wait before the next call, 0 if it may be made now."""
        left = self.left(now)
        return 0.0 if left > 0 else self._spent[-self.most] + self.seconds - now

    def left(self, now: float) -> int:
        """Return the number of calls that may be made now."""
        while self._spent and self._spent[0] <= now - self.seconds:
            self._spent.popleft()
        return self.most - len(self._spent)

    def spend(self, now: float) -> None:
        self._spent.append(now)


class CallRate:
    """One call every `every_seconds`, and up to `burst` at once after a pause.

    The generic cell rate algorithm: over any t seconds at most burst + t / every_seconds calls.
    """

    def __init__(self, burst: int, every_seconds: float) -> None:
        self._every, self._slack = every_seconds, (burst - 1) * every_seconds
        self._next = float("-inf")

    def wait_seconds(self, now: float) -> float:
        """Return the wait before the next call, 0 if it may be made now."""
        wait = self._next - self._slack - now
        return wait if wait > 1e-6 else 0.0  # noqa: PLR2004 - the clock can't measure a shorter wait

    def spend(self, now: float) -> None:
        self._next = max(now, self._next) + self._every

    def slow_to(self, every_seconds: float) -> None:
        """Change the rate; recovering the full burst takes the same time as before."""
        self._every = every_seconds

    def is_fresh(self, now: float) -> bool:
        """Return True if no earlier call delays the next one."""
        return self._next <= now


FIRST_PROBE_SECONDS = 0.5


class CallGate:
    """A queue for all calls of the bot: they pass at a rate, by priority, then in order of arrival.

    While it is shut, single calls pass as probes, at intervals that double: previews, and queued calls whose priority
    is at most `probing`.
    """

    def __init__(self, rate: CallRate, now: Callable[[], float], probing: int = -1) -> None:
        self._rate, self._now, self._probing = rate, now, probing
        self._shut_until = self._told_until = self._next_probe = float("-inf")
        self._probe_seconds = FIRST_PROBE_SECONDS
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._number = count()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_shut(self) -> bool:
        return self._now() < self._shut_until

    def slow_to(self, every_seconds: float) -> None:
        """Change the rate."""
        self._rate.slow_to(every_seconds)

    def takes_probe(self) -> bool:
        """Return True if a call may pass although the gate is shut, and count it. If accepted, call `open`."""
        now = self._now()
        if now < self._next_probe:
            return False
        self._next_probe = now + self._probe_seconds
        self._probe_seconds *= 2
        return True

    def shut(self, until: float) -> None:
        """Let no call pass before `until`, apart from probes."""
        if not self.is_shut:
            self._next_probe, self._probe_seconds = self._now(), FIRST_PROBE_SECONDS
        self._shut_until = max(self._shut_until, until)

    def take_shut_seconds(self) -> float:
        """Return the seconds for which the gate was newly shut since the last call, else 0."""
        is_new, self._told_until = self._shut_until > self._told_until, max(self._told_until, self._shut_until)
        return max(0.0, self._shut_until - self._now()) if is_new else 0.0

    def open(self) -> None:
        """Let calls pass again, at the usual rate."""
        if self.is_shut:
            self._shut_until = float("-inf")
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._start_timer()

    async def enter(self, priority: int) -> None:
        """Wait until this call may pass; the lowest `priority` passes first."""
        if not self._waiting and self._wait_seconds(priority) == 0:
            self._pass()
            return
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (priority, next(self._number), turn))
        self._start_timer()
        await turn

    def _wait_seconds(self, priority: int) -> float:
        now = self._now()
        until = self._shut_until if priority > self._probing else min(self._shut_until, self._next_probe)
        return max(until - now, self._rate.wait_seconds(now), 0.0)

    def _pass(self) -> None:
        if self.is_shut:
            self.takes_probe()
        self._rate.spend(self._now())

    def _start_timer(self) -> None:
        """Wake for the first call that waits; if a more urgent one has come, wake earlier."""
        if not self._waiting:
            return
        wait = self._wait_seconds(self._waiting[0][0])
        if self._timer is not None:
            if self._timer.when() <= asyncio.get_running_loop().time() + wait:
                return
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(wait, self._open)

    def _open(self) -> None:
        """Let as many calls pass as the rate allows; skip cancelled ones."""
        self._timer = None
        while self._waiting and self._wait_seconds(self._waiting[0][0]) == 0:
            _, _, first = heapq.heappop(self._waiting)
            if not first.done():
                self._pass()
                first.set_result(None)
        self._start_timer()
