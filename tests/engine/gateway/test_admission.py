"""Requests per minute, plans and bans, before anything else is done for a request."""

from dataclasses import replace

import pytest

from engine.errors import ModelNotInPlan, TenantBanned, TooManyRequests
from engine.gateway.gateway import SWEEP_AT_TENANTS, WINDOW_SECONDS, Admission
from engine.tenancy import Tenant
from tests.engine.clock import HandClock
from tests.engine.scripted import TENANT


def tenant(*, requests_per_minute: int = 2, models: tuple[str, ...] | None = None, banned: bool = False) -> Tenant:
    plan = replace(TENANT.plan, requests_per_minute=requests_per_minute, models=models)
    return Tenant(7, plan, banned=banned)


def test_requests_of_a_minute_are_limited_by_the_plan() -> None:
    clock = HandClock()
    admission = Admission(clock)
    admission.admit(tenant(), "auto")
    clock.wait(20)
    admission.admit(tenant(), "auto")
    with pytest.raises(TooManyRequests) as refused:
        admission.admit(tenant(), "auto")
    assert (refused.value.requests_per_minute, refused.value.retry_after_seconds) == (2, 40)


def test_request_stops_counting_after_exactly_a_minute() -> None:
    clock = HandClock()
    admission = Admission(clock)
    admission.admit(tenant(requests_per_minute=1), "auto")
    clock.wait(WINDOW_SECONDS - 0.001)
    with pytest.raises(TooManyRequests):
        admission.admit(tenant(requests_per_minute=1), "auto")
    clock.wait(0.001)
    admission.admit(tenant(requests_per_minute=1), "auto")


def test_refused_and_checked_requests_do_not_count() -> None:
    admission = Admission(HandClock())
    for _ in range(5):
        admission.check(tenant(), "auto")
    admission.admit(tenant(), "auto")
    admission.admit(tenant(), "auto")
    for _ in range(3):
        with pytest.raises(TooManyRequests):
            admission.admit(tenant(), "auto")
    assert len(admission._times[7]) == 2


def test_tenants_are_counted_by_themselves() -> None:
    admission = Admission(HandClock())
    admission.admit(tenant(requests_per_minute=1), "auto")
    admission.admit(replace(tenant(requests_per_minute=1), id=8), "auto")


def test_banned_tenant_is_refused_before_anything_else() -> None:
    with pytest.raises(TenantBanned):
        Admission(HandClock()).admit(tenant(models=(), banned=True), "auto")


def test_model_outside_the_plan_is_refused() -> None:
    admission = Admission(HandClock())
    admission.admit(tenant(models=("auto",)), "auto")
    with pytest.raises(ModelNotInPlan) as refused:
        admission.admit(tenant(models=("auto",)), "smart")
    assert (refused.value.model, refused.value.plan) == ("smart", "free")


def test_tenants_without_recent_requests_are_forgotten() -> None:
    clock = HandClock()
    admission = Admission(clock)
    for number in range(SWEEP_AT_TENANTS):
        admission.admit(replace(tenant(), id=number), "auto")
    clock.wait(1)
    admission.admit(replace(tenant(), id=SWEEP_AT_TENANTS), "auto")
    assert len(admission._times) == SWEEP_AT_TENANTS + 1
    clock.wait(WINDOW_SECONDS - 1)
    admission.admit(replace(tenant(), id=SWEEP_AT_TENANTS + 1), "auto")
    assert sorted(admission._times) == [SWEEP_AT_TENANTS, SWEEP_AT_TENANTS + 1]
