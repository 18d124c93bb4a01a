"""Terms: who may ask now. A sliding minute per tenant, and the plan's word on models."""

from collections import defaultdict, deque

from engine.errors import ModelNotInPlan, TenantBanned, TooManyRequests
from engine.ports import Clock
from engine.tenancy import Tenant

WINDOW_SECONDS = 60.0
SWEEP_AT = 10_000


class Admission:
    """Counts each tenant's requests of the last minute, in this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked: defaultdict[int, deque[float]] = defaultdict(deque)

    def admit(self, tenant: Tenant, model: str) -> None:
        """Count one request, or raise TenantBanned, ModelNotInPlan or TooManyRequests and count nothing."""
        self.check(tenant, model).append(self._clock.monotonic())

    def check(self, tenant: Tenant, model: str) -> deque[float]:
        """Raise what `admit` would; what the tenant asked of late."""
        if tenant.banned:
            raise TenantBanned(tenant.id)
        if not tenant.plan.allows(model):
            raise ModelNotInPlan(model, tenant.plan.name)
        now = self._clock.monotonic()
        asked = self._recent(tenant.id, now)
        if len(asked) >= tenant.plan.requests_per_minute:
            raise TooManyRequests(tenant.plan.requests_per_minute, asked[0] + WINDOW_SECONDS - now)
        return asked

    def _recent(self, tenant_id: int, now: float) -> deque[float]:
        if len(self._asked) > SWEEP_AT:
            self._sweep(now)
        asked = self._asked[tenant_id]
        while asked and asked[0] <= now - WINDOW_SECONDS:
            asked.popleft()
        return asked

    def _sweep(self, now: float) -> None:
        """Forget tenants who have been quiet, so that the table stays as small as the traffic."""
        quiet = [tenant for tenant, asked in self._asked.items() if not asked or asked[-1] <= now - WINDOW_SECONDS]
        for tenant in quiet:
            del self._asked[tenant]
