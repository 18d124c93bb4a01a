"""A limit for a tenant's calls that reach Telegram: invoices and messages use up the bot's own limits there."""

from collections import deque
from dataclasses import replace

from engine.ports import Clock
from web.errors import HttpProblem

MOST, WITHIN_SECONDS = 10, 60.0
MOST_TENANTS = 1000
TOO_OFTEN = HttpProblem(
    429, f"At most {MOST} such changes a minute are possible. Wait a moment.", "rate_limit_error", "rate_limit_exceeded"
)


class TelegramCalls:
    """The recent calls of each tenant, counted in this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times: dict[int, deque[float]] = {}

    def count(self, tenant_id: int) -> None:
        """Count a call. Raises HttpProblem 429 for more than MOST calls within WITHIN_SECONDS."""
        now = self._clock.monotonic()
        if len(self._times) > MOST_TENANTS:
            self._times = {key: times for key, times in self._times.items() if now - times[-1] < WITHIN_SECONDS}
        times = self._times.setdefault(tenant_id, deque(maxlen=MOST))
        if len(times) == MOST and now - times[0] < WITHIN_SECONDS:
            raise replace(TOO_OFTEN, retry_after_seconds=times[0] + WITHIN_SECONDS - now)
        times.append(now)
