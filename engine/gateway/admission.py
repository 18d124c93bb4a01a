"""Admission checks: bans, the models of the plan and of the API key, and the requests per minute of both.

The payers of an answer: a member's team or group if its funds suffice, then the tenant's own wallet.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from engine.catalog.offers import Quote
from engine.errors import (
    DailyAnswersUsed,
    InsufficientFunds,
    ModelNotInKey,
    ModelNotInPlan,
    TenantBanned,
    TooManyRequests,
)
from engine.holds import LEAST_OUTPUT_TOKENS, HoldRequest
from engine.ports import Clock, CountedWindow, FullWindow, Hold, Ledger, RequestWindow, RequestWindows
from engine.routing.recent_times import RecentTimes
from engine.tenancy import Plan, Sponsor, Tenant

WINDOW_SECONDS = 60.0
SWEEP_AT_WINDOWS = 10_000
_Window: TypeAlias = tuple[str, int]
"""The tenant, or the API key, that requests are counted for."""


class RequestsLeft(Struct, frozen=True):
    """A caller's limit of requests per minute, the number left now, and the seconds until all are available."""

    limit: int
    remaining: int
    reset_seconds: float
    key_limited: bool = False


class Admission:
    """Counts the requests of the last minute in this process: those of each tenant, and of each API key with a limit.

    A request is admitted if both the plan's limit and the key's limit have room for it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times: defaultdict[_Window, RecentTimes] = defaultdict(RecentTimes)

    def admit(self, tenant: Tenant, model: str) -> None:
        """Check and count one request. Raises the errors of `check`, and counts nothing then."""
        self.check(tenant, model)
        self.count(tenant)

    async def admit_together(self, tenant: Tenant, model: str, shared: RequestWindows) -> None:
        """Check one request and count it for all processes together.

        Raises the errors of `check`, and counts nothing then.

        This process takes over the shared counts, so that it can refuse a further request without a query.
        """
        self.check(tenant, model)
        if (full := await self._count_for_all(tenant, shared)) is not None:
            self.check_rate(tenant)
            # the oldest request of the full window has left it between query and check
            raise TooManyRequests(full.counted.window.limit, 1) from full

    async def count_together(self, tenant: Tenant, shared: RequestWindows) -> None:
        """Count one request without checking it, for all processes together. A full window stays full."""
        await self._count_for_all(tenant, shared)

    async def _count_for_all(self, tenant: Tenant, shared: RequestWindows) -> FullWindow | None:
        """Count one request and take over the shared counts. Return the full window if nothing could be counted."""
        try:
            for counted in await shared.count([RequestWindow(*window, limit) for window, limit in _limits(tenant)]):
                self._note(counted)
        except FullWindow as full:
            self._note(full.counted)
            return full
        return None

    def _note(self, counted: CountedWindow) -> None:
        now, window = self._clock.monotonic(), (counted.window.kind, counted.window.subject)
        self._times[window] = RecentTimes(now - age for age in counted.ages_seconds)

    def check(self, tenant: Tenant, model: str) -> None:
        """Raise TenantBanned, ModelNotInPlan, ModelNotInKey or TooManyRequests if the request can't be admitted."""
        self.check_model(tenant, model)
        self.check_rate(tenant)

    def check_model(self, tenant: Tenant, model: str) -> None:
        """Raise TenantBanned, ModelNotInPlan or ModelNotInKey."""
        if tenant.banned:
            raise TenantBanned(tenant.id)
        if not tenant.plan_allows(model):
            raise ModelNotInPlan(model, tenant.plan.name)
        if tenant.key is not None and tenant.key.models is not None and not tenant.key.allows(model):
            raise ModelNotInKey(model, tenant.key.models)

    def check_rate(self, tenant: Tenant) -> None:
        """Raise TooManyRequests if the plan or the key has no request left.

        The error names the longer wait of the two.
        """
        full = [(wait, each) for each in _limits(tenant) if (wait := self._wait_seconds(*each)) > 0]
        if full:
            wait, (window, limit) = max(full)
            raise TooManyRequests(limit, wait, key_limited=window[0] == "key")

    def count(self, tenant: Tenant) -> None:
        """Count one request for the tenant and for its API key."""
        now = self._clock.monotonic()
        for window, _ in _limits(tenant):
            self._times[window].append(now)

    def left(self, tenant: Tenant) -> RequestsLeft:
        """Return the remaining requests of the plan or of the key, whichever has fewer."""
        limits = _limits(tenant)
        if len(limits) == 1:
            return self._left(*limits[0])
        return min([self._left(*each) for each in limits], key=lambda each: each.remaining)

    def _wait_seconds(self, window: _Window, limit: int) -> float:
        """Return the seconds until the window has room; 0 if it has room now."""
        times, now = self._recent(window)
        return 0.0 if len(times) < limit else times[-limit] + WINDOW_SECONDS - now

    def _left(self, window: _Window, limit: int) -> RequestsLeft:
        times, now = self._recent(window)
        reset_seconds = times[-1] + WINDOW_SECONDS - now if times else 0.0
        return RequestsLeft(limit, max(0, limit - len(times)), reset_seconds, key_limited=window[0] == "key")

    def _recent(self, window: _Window) -> tuple[RecentTimes, float]:
        """Return the times of the window's requests within the last minute, and the time now."""
        now = self._clock.monotonic()
        if len(self._times) > SWEEP_AT_WINDOWS:
            self._sweep(now)
        times = self._times[window]
        times.forget_until(now - WINDOW_SECONDS)
        return times, now

    def _sweep(self, now: float) -> None:
        """Drop the windows without a recent request, so that the table does not grow without bound."""
        idle = [window for window, times in self._times.items() if not times or times[-1] <= now - WINDOW_SECONDS]
        for window in idle:
            del self._times[window]


def _limits(tenant: Tenant) -> list[tuple[_Window, int]]:
    """Return the windows that count the tenant's requests, with their limits."""
    own = ("tenant", tenant.id), tenant.requests_per_minute
    if tenant.key is None or tenant.key.requests_per_minute is None:
        return [own]
    return [own, (("key", tenant.key.key_id), tenant.key.requests_per_minute)]


Sized = Callable[[Plan], HoldRequest]
"""Returns the hold request of an answer under the limits of a plan."""


def hold_requests(tenant: Tenant, model: str | None, sized: Sized, expected: int = 0) -> list[HoldRequest]:
    """Return the holds to try, in this order. `model` None: every plan includes it. `expected`: output tokens.

    A sponsor that is tried before others must be able to pay the expected output. If none is, a sponsor pays for a
    shorter answer.
    """
    sponsored = [
        _sponsored(each, tenant, sized) for each in tenant.sponsors if model is None or each.plan.allows(model)
    ]
    if not sponsored:
        return [sized(tenant.plan)]
    own = [sized(tenant.plan)] if tenant.pays and (model is None or tenant.plan.allows(model)) else []
    *before, last = [*sponsored, *own]
    whole = [replace(each, least_output_tokens=max(LEAST_OUTPUT_TOKENS, expected)) for each in before]
    return [*whole, last, *before]


def _sponsored(sponsor: Sponsor, tenant: Tenant, sized: Sized) -> HoldRequest:
    return replace(sized(sponsor.plan), tenant_id=sponsor.id, member_id=tenant.id)


def expected_output(quotes: Sequence[Quote]) -> int:
    """Return the output tokens that are expected from the first offer."""
    return max(0, quotes[0].expected_tokens - quotes[0].input_tokens) if quotes else 0


class Held:
    """The `async with` block of the first hold whose payer has the funds: its request, and the hold.

    Raises the last payer's InsufficientFunds or DailyAnswersUsed. It is a class, because a generator takes longer.
    """

    __slots__ = ("_block", "_ledger", "_requests")

    def __init__(self, ledger: Ledger, requests: Sequence[HoldRequest]) -> None:
        self._ledger, self._requests = ledger, requests

    async def __aenter__(self) -> tuple[HoldRequest, Hold]:
        refused: InsufficientFunds | DailyAnswersUsed | None = None
        for each in self._requests:
            self._block = self._ledger.hold(each)
            try:
                return each, await self._block.__aenter__()
            except (InsufficientFunds, DailyAnswersUsed) as error:
                if refused is None or each.member_id is None:
                    refused = error
        assert refused is not None
        raise refused

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._block.__aexit__(kind, error, traceback)
