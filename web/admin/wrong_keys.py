"""WrongAdminKeys: a limit on requests with a wrong ADMIN_API_KEY."""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from engine.ports import Clock
from web.errors import TOO_MANY_WRONG_KEYS, HttpProblem

log = logging.getLogger(__name__)

MOST_WRONG_KEYS = 10
WRONG_KEYS_SECONDS = 60.0
MOST_REMEMBERED = 200
QUIET_SECONDS = 600.0
"""After this time without too many wrong admin keys, the next such burst causes an alert again."""


@dataclass(frozen=True, slots=True)
class WrongKey:
    """One request with a wrong admin key: hashes of the key, and of the path that it was sent to."""

    time: float
    key: int
    path: int


class WrongAdminKeys:
    """The wrong admin keys of the last minute. After ten, the admins get one alert, and further wrong keys a 429.

    A program that calls many paths with one outdated key counts once: that is a key which came, on average, less than
    twice to each path. Every other request counts.
    """

    def __init__(self, clock: Clock, alert: Callable[[int], Awaitable[object]] | None = None) -> None:
        self._clock, self._alert = clock, alert
        self._tries: deque[WrongKey] = deque(maxlen=MOST_REMEMBERED)
        self._last_alarm = -QUIET_SECONDS
        self._alerts: set[asyncio.Task[object]] = set()

    def refusal(self, problem: HttpProblem, secret: str, path: str) -> HttpProblem:
        """Count a wrong key; return `problem`, or a 429 if ten came within the minute before."""
        now = self._clock.monotonic()
        while self._tries and now - self._tries[0].time >= WRONG_KEYS_SECONDS:
            self._tries.popleft()
        before = self._counted()
        self._tries.append(WrongKey(now, hash(secret), hash(path)))
        if len(self._counted()) >= MOST_WRONG_KEYS:
            self._alarm(now)
        if len(before) < MOST_WRONG_KEYS:
            return problem.new()
        return replace(TOO_MANY_WRONG_KEYS, retry_after_seconds=before[-MOST_WRONG_KEYS] + WRONG_KEYS_SECONDS - now)

    def _counted(self) -> list[float]:
        """Return the times of the requests that count, in order."""
        by_key: defaultdict[int, list[WrongKey]] = defaultdict(list)
        for each in self._tries:
            by_key[each.key].append(each)
        counted: list[WrongKey] = []
        for tries in by_key.values():
            is_repeated = len(tries) >= 2 * len({each.path for each in tries})
            counted += tries if is_repeated else tries[-1:]
        return sorted(each.time for each in counted)

    def _alarm(self, now: float) -> None:
        is_new = now - self._last_alarm >= QUIET_SECONDS
        self._last_alarm = now
        if not is_new:
            return
        log.warning("%d wrong admin keys came within a minute", MOST_WRONG_KEYS)
        if self._alert is not None:
            alert = asyncio.ensure_future(self._alert(MOST_WRONG_KEYS))
            self._alerts.add(alert)
            alert.add_done_callback(self._alerts.discard)
