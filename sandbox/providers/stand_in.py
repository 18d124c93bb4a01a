"""State of one stand-in: its mode, calls, rate limit and prompt cache."""

import asyncio
import contextlib
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.providers.dialects.base import StandInDialect
from sandbox.providers.exchange import count

MODES = ("up", "down", "429", "slow", "cut", "key_refused")
MORE_MODES = (
    # faulty answers
    "empty",
    "garbage",
    "stream_error",
    "money_gone",
    "context_too_long",
    "no_usage",
    "keepalive_only",
    "blocked",
    "overloaded",
    # refusals
    "error_500",
    "429_untold",  # a 429 without the wait
    "moderated",  # 400: the prompt is refused for its content
    "rejected",  # 400 that quotes the prompt
    # faults of connections and streams
    "reset",  # the connection is reset before the first byte of the answer
    "mute",  # the request is read and never answered
    "stall",  # silence within the answer, then the connection is closed
    "malformed",  # one event is broken JSON, the others are valid
    "no_done",  # complete except for the end marker
)
ONCE = "once:"  # prefix of a refusal or "reset": it applies to one call, then the mode is "up" again
CACHE_FROM_TOKENS = 1024
CACHE_STEP_TOKENS = 64
REMEMBERED_PROMPTS = 32
MINUTE_SECONDS = 60.0
USUAL_LIMIT = 10_000
SHORT_REST_SECONDS = 0.5


@dataclass(slots=True)
class StandIn:
    """The server of one provider. `streams`: answers being sent now. `now`: monotonic seconds."""

    name: str
    provider: StandInDialect
    mode: str = "up"
    calls: int = 0
    last_status: int = 0
    streams: int = 0
    now: Callable[[], float] = time.monotonic
    taken_at: deque[float] = field(default_factory=deque)
    seen: dict[tuple[str, str], deque[str]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=REMEMBERED_PROMPTS))
    )
    _switched: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def limit(self) -> int:
        """The limit of requests per minute."""
        return int(self.mode[6:]) if self.mode.startswith("limit:") else USUAL_LIMIT

    @property
    def left(self) -> int:
        self._forget_old()
        return max(0, self.limit - len(self.taken_at))

    @property
    def wait_seconds(self) -> float:
        """Return the seconds until the next request is accepted."""
        self._forget_old()
        if len(self.taken_at) < self.limit:
            return 0.0
        return self.taken_at[-self.limit] + MINUTE_SECONDS - self.now() if self.limit else MINUTE_SECONDS

    def switch(self, mode: str) -> None:
        """Set the mode, with effect at once, even for answers being sent. Raises ValueError for an unknown mode."""
        known = mode.removeprefix(ONCE) in {*MODES, *MORE_MODES}
        if not known and not (mode.startswith("limit:") and mode[6:].isdigit()):
            raise ValueError(f"no such mode: {mode}")
        self.mode = mode
        self._switched.set()
        self._switched = asyncio.Event()

    def count_call(self) -> str:
        """Count a call. Return the mode in which it is answered."""
        self.calls += 1
        mode = self.mode
        if mode.startswith(ONCE):
            self.mode = "up"
        return mode.removeprefix(ONCE)

    async def rest(self, seconds: float) -> None:
        """Wait for this time, or until the mode changes."""
        if seconds < SHORT_REST_SECONDS:
            await asyncio.sleep(seconds)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._switched.wait()

    def cached(self, key: str, model: str, whole: str) -> int:
        """Remember `whole`. Return the tokens of its longest beginning that this key has sent before, 0 below 1,024."""
        known = self.seen[key, model]
        shared = max((_shared_chars(whole, before) for before in known), default=0)
        known.append(whole)
        tokens = count(whole[:shared]) // CACHE_STEP_TOKENS * CACHE_STEP_TOKENS
        return tokens if tokens >= CACHE_FROM_TOKENS else 0

    def _forget_old(self) -> None:
        while self.taken_at and self.taken_at[0] <= self.now() - MINUTE_SECONDS:
            self.taken_at.popleft()


def _shared_chars(one: str, other: str) -> int:
    if one[:CACHE_FROM_TOKENS] != other[:CACHE_FROM_TOKENS]:  # shorter than the smallest prompt that is cached
        return 0
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
