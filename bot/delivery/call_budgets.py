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


SLOW_SECONDS = 60.0
"""How long a chat gets fewer previews after a 429."""
KEPT_FOR_FINALS = 2


class ChatBudgets:
    """The budgets of one chat."""

    def __init__(self, chat_id: int, every_seconds: float) -> None:
        self.rate = CallRate(3, every_seconds)
        self.group = CallWindow(20, 60.5) if chat_id < 0 else None
        self.drafts = (CallWindow(18, 5.0), CallWindow(36, 30.0))
        self.banned_until = self.slow_until = self.told_until = float("-inf")
        self.messages_here = self.drafts_here = 0
        self.turn = asyncio.Lock()

    def wait_seconds(self, now: float) -> float:
        waits = [self.banned_until - now, self.rate.wait_seconds(now)]
        if self.group is not None:
            waits.append(self.group.wait_seconds(now))
        return max(0.0, *waits)

    def spend(self, now: float) -> None:
        self.rate.spend(now)
        if self.group is not None:
            self.group.spend(now)
        self.messages_here += 1

    def spend_draft(self, now: float) -> None:
        for window in self.drafts:
            window.spend(now)
        self.drafts_here += 1

    def take_news(self, now: float) -> tuple[int, int, float]:
        """Return messages and drafts counted here since the last call, and the seconds of a ban not yet reported."""
        banned_seconds = max(0.0, self.banned_until - now) if self.banned_until > self.told_until else 0.0
        news = self.messages_here, self.drafts_here, banned_seconds
        self.messages_here = self.drafts_here = 0
        self.told_until = max(self.told_until, self.banned_until)
        return news

    def count_elsewhere(self, now: float, messages: int, drafts: int, wait_seconds: float) -> None:
        """Count the calls of another process."""
        here = self.messages_here, self.drafts_here
        for _ in range(messages):
            self.spend(now)
        for _ in range(drafts):
            self.spend_draft(now)
        self.messages_here, self.drafts_here = here
        if wait_seconds > 0:
            self.banned_until = self.told_until = max(self.banned_until, now + wait_seconds)
            self.slow_until = max(self.slow_until, self.banned_until + SLOW_SECONDS)

    def takes_draft(self, now: float) -> bool:
        return now >= self.banned_until and not any(window.wait_seconds(now) for window in self.drafts)

    def takes_edit(self, now: float) -> bool:
        """Return True if a preview may be sent now, with enough slots left for final messages."""
        spare = self.group is None or self.group.left(now) > KEPT_FOR_FINALS
        return spare and not self.turn.locked() and self.wait_seconds(now) == 0

    def is_idle(self, now: float) -> bool:
        """Return True if the state of the chat equals that of a new one."""
        is_unused = self.group is None or self.group.left(now) == self.group.most
        drafts = self.drafts[-1]
        rested = self.slow_until <= now and self.rate.is_fresh(now) and drafts.left(now) == drafts.most
        return is_unused and rested and not self.turn.locked()


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
        self._timer: asyncio.Handle | None = None
        self._wakes_at = 0.0  # kept here: uvloop's timers of less than a millisecond don't tell their time

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
        loop, wait = asyncio.get_running_loop(), self._wait_seconds(self._waiting[0][0])
        wakes_at = loop.time() + wait
        if self._timer is not None:
            if self._wakes_at <= wakes_at:
                return
            self._timer.cancel()
        self._timer, self._wakes_at = loop.call_later(wait, self._open), wakes_at

    def _open(self) -> None:
        """Let as many calls pass as the rate allows; skip cancelled ones."""
        self._timer = None
        while self._waiting and self._wait_seconds(self._waiting[0][0]) == 0:
            _, _, first = heapq.heappop(self._waiting)
            if not first.done():
                self._pass()
                first.set_result(None)
        self._start_timer()
