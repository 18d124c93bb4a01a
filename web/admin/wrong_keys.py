"""WrongAdminKeys: the brake on requests with a wrong ADMIN_API_KEY."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from engine.ports import Clock
from web.errors import TOO_MANY_WRONG_KEYS, HttpProblem

log = logging.getLogger(__name__)

MOST_WRONG_KEYS = 10
WRONG_KEYS_SECONDS = 60.0
MOST_REMEMBERED = 200
QUIET_SECONDS = 600.0
"""After so long without too many wrong admin keys, the next time is an alert again."""


@dataclass(frozen=True, slots=True)
class WrongKey:
    """One wrong admin key: hashes of the key, and of the key and the path that it was sent to."""

    time: float
    key: int
    place: int
    is_refused_unread: bool


class WrongAdminKeys:
    """The wrong admin keys of the last minute. From ten on, admins get one alert, and further wrong ones a 429.

    Ten are ten different keys, or ten times the same one for one path: a program with an old key that calls several
    paths is told of it by each, and is no attempt to guess.
    """

    def __init__(self, clock: Clock, alert: Callable[[int], Awaitable[object]] | None = None) -> None:
        self._clock, self._alert = clock, alert
        self._tries: deque[WrongKey] = deque(maxlen=MOST_REMEMBERED)
        self._last_alarm = -QUIET_SECONDS
        self._alerts: set[asyncio.Task[object]] = set()

    def refusal(self, problem: HttpProblem, secret: str, path: str) -> HttpProblem:
        """Count a wrong key; return `problem`, or a 429 where ten came within a minute before it."""
        now = self._clock.monotonic()
        while self._tries and now - self._tries[0].time >= WRONG_KEYS_SECONDS:
            self._tries.popleft()
        key, place = hash(secret), hash((secret, path))
        wait = self._wait_seconds(now, key, place)
        self._tries.append(WrongKey(now, key, place, is_refused_unread=wait > 0))
        if max(len({each.key for each in self._tries}), self._times_of(place)) >= MOST_WRONG_KEYS:
            self._alarm(now)
        return replace(TOO_MANY_WRONG_KEYS, retry_after_seconds=wait) if wait > 0 else problem.new()

    def _wait_seconds(self, now: float, key: int, place: int) -> float:
        """Return the seconds until this key is answered again. One that was called wrong before is called so again."""
        if self._times_of(place) >= MOST_WRONG_KEYS:
            times = [each.time for each in self._tries if each.place == place]
        elif any(each.key == key and not each.is_refused_unread for each in self._tries):
            return 0.0
        else:
            times = sorted({each.key: each.time for each in self._tries}.values())
        return times[-MOST_WRONG_KEYS] + WRONG_KEYS_SECONDS - now if len(times) >= MOST_WRONG_KEYS else 0.0

    def _times_of(self, place: int) -> int:
        return sum(each.place == place for each in self._tries)

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
