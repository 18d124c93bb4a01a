"""A stand-in's switch, and what it remembers: calls, caches, who asked how often."""

import asyncio
import contextlib
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.providers.asked import count

MODES = ("up", "down", "429", "slow", "cut", "key_refused")
MORE_MODES = (
    # answers that aren't as they should be
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
    "429_untold",  # a 429 that doesn't say how long to wait
    "moderated",  # 400: the prompt is refused for what it says
    # connections and streams
    "reset",  # the connection is reset before a byte of the answer
    "mute",  # the request is taken, and nothing ever answered
    "stall",  # silence in mid-answer, then the connection closes
    "malformed",  # one event is broken JSON; the rest is whole
    "no_done",  # whole, but the end marker is missing
)
ONCE = "once:"  # before a refusal or "reset": for one call only, then up again
CACHE_FROM_TOKENS = 1024
CACHE_STEP_TOKENS = 64
REMEMBERED_PROMPTS = 32
MINUTE_SECONDS = 60.0
USUAL_LIMIT = 10_000
SHORT_REST_SECONDS = 0.5


@dataclass(slots=True)
class StandIn:
    """One provider: what it does now, and what it has been asked. `streams`: answers under way."""

    name: str
    mode: str = "up"
    calls: int = 0
    last_status: int = 0
    streams: int = 0
    now: Callable[[], float] = time.monotonic
    asked_at: deque[float] = field(default_factory=deque)
    seen: dict[tuple[str, str], deque[str]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=REMEMBERED_PROMPTS))
    )
    _switched: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def dialect(self) -> str:
        return self.name if self.name in {"gemini", "anthropic"} else "openai"

    @property
    def limit(self) -> int:
        """Requests a minute."""
        return int(self.mode[6:]) if self.mode.startswith("limit:") else USUAL_LIMIT

    @property
    def left(self) -> int:
        self._forget()
        return max(0, self.limit - len(self.asked_at))

    @property
    def wait_seconds(self) -> float:
        """Until one more may ask."""
        self._forget()
        if len(self.asked_at) < self.limit:
            return 0.0
        return self.asked_at[-self.limit] + MINUTE_SECONDS - self.now() if self.limit else MINUTE_SECONDS

    def switch(self, mode: str) -> None:
        """Takes effect at once, also on answers under way. Raises ValueError for a mode that there isn't."""
        known = mode.removeprefix(ONCE) in {*MODES, *MORE_MODES}
        if not known and not (mode.startswith("limit:") and mode[6:].isdigit()):
            raise ValueError(f"no such mode: {mode}")
        self.mode = mode
        self._switched.set()
        self._switched = asyncio.Event()

    def takes_call(self) -> str:
        """Count a call; the mode that it is answered in."""
        self.calls += 1
        mode = self.mode
        if mode.startswith(ONCE):
            self.mode = "up"
        return mode.removeprefix(ONCE)

    async def rest(self, seconds: float) -> None:
        """So long, or until the switch is moved."""
        if seconds < SHORT_REST_SECONDS:
            await asyncio.sleep(seconds)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._switched.wait()

    def cached(self, key: str, model: str, whole: str) -> int:
        """Tokens of the longest start of `whole` that this key sent before, from 1,024 on; it is remembered."""
        known = self.seen[key, model]
        shared = max((_shared_chars(whole, before) for before in known), default=0)
        known.append(whole)
        tokens = count(whole[:shared]) // CACHE_STEP_TOKENS * CACHE_STEP_TOKENS
        return tokens if tokens >= CACHE_FROM_TOKENS else 0

    def _forget(self) -> None:
        while self.asked_at and self.asked_at[0] <= self.now() - MINUTE_SECONDS:
            self.asked_at.popleft()


def _shared_chars(one: str, other: str) -> int:
    if one[:CACHE_FROM_TOKENS] != other[:CACHE_FROM_TOKENS]:  # four bytes a character at most: no use
        return 0
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
