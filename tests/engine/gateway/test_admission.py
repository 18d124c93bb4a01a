"""Requests per minute, plans and bans, checked before any other work for a request."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from engine.errors import ModelNotInKey, ModelNotInPlan, TenantBanned, TooManyRequests
from engine.gateway.admission import SWEEP_AT_WINDOWS, WINDOW_SECONDS, Admission, RequestsLeft
from engine.ports import CountedWindow, FullWindow, RequestWindow
from engine.tenancy import KeyLimits, Tenant
from tests.engine.clock import HandClock
from tests.engine.scripted import TENANT


def tenant(*, requests_per_minute: int = 2, models: tuple[str, ...] | None = None, banned: bool = False) -> Tenant:
    plan = replace(TENANT.plan, requests_per_minute=requests_per_minute, models=models)
    return Tenant(7, plan, banned=banned)


def keyed(key: KeyLimits, *, requests_per_minute: int = 5, models: tuple[str, ...] | None = None) -> Tenant:
    return replace(tenant(requests_per_minute=requests_per_minute, models=models), key=key)


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
    assert len(admission._times["tenant", 7]) == 2


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
    for number in range(SWEEP_AT_WINDOWS):
        admission.admit(replace(tenant(), id=number), "auto")
    clock.wait(1)
    admission.admit(replace(tenant(), id=SWEEP_AT_WINDOWS), "auto")
    assert len(admission._times) == SWEEP_AT_WINDOWS + 1
    clock.wait(WINDOW_SECONDS - 1)
    admission.admit(replace(tenant(), id=SWEEP_AT_WINDOWS + 1), "auto")
    assert sorted(admission._times) == [("tenant", SWEEP_AT_WINDOWS), ("tenant", SWEEP_AT_WINDOWS + 1)]


def test_key_has_a_rate_of_its_own_within_that_of_the_plan() -> None:
    clock = HandClock()
    admission = Admission(clock)
    slow, free = keyed(KeyLimits(key_id=1, requests_per_minute=1)), keyed(KeyLimits(key_id=2))
    admission.admit(slow, "auto")
    clock.wait(10)
    with pytest.raises(TooManyRequests) as refused:
        admission.admit(slow, "auto")
    assert (refused.value.requests_per_minute, refused.value.retry_after_seconds) == (1, 50)
    assert refused.value.key_limited
    for _ in range(4):
        admission.admit(free, "auto")
    with pytest.raises(TooManyRequests) as refused:
        admission.admit(free, "auto")
    assert (refused.value.requests_per_minute, refused.value.retry_after_seconds) == (5, 50)
    assert not refused.value.key_limited


def test_longer_wait_of_plan_and_key_is_named() -> None:
    clock = HandClock()
    admission = Admission(clock)
    slow = keyed(KeyLimits(key_id=1, requests_per_minute=1), requests_per_minute=2)
    admission.admit(keyed(KeyLimits(key_id=2), requests_per_minute=2), "auto")
    clock.wait(20)
    admission.admit(slow, "auto")
    with pytest.raises(TooManyRequests) as refused:
        admission.admit(slow, "auto")
    assert (refused.value.retry_after_seconds, refused.value.key_limited) == (60, True)


def test_lowered_limit_waits_for_the_oldest_request_that_it_still_counts() -> None:
    clock = HandClock()
    admission = Admission(clock)
    for _ in range(3):
        admission.admit(keyed(KeyLimits(key_id=1, requests_per_minute=3)), "auto")
        clock.wait(10)
    with pytest.raises(TooManyRequests) as refused:
        admission.admit(keyed(KeyLimits(key_id=1, requests_per_minute=1)), "auto")
    assert refused.value.retry_after_seconds == 50


def test_model_outside_the_key_is_refused() -> None:
    admission = Admission(HandClock())
    asking = keyed(KeyLimits(key_id=1, models=("auto", "gpt-4o")))
    admission.admit(asking, "gpt-4o")
    with pytest.raises(ModelNotInKey) as refused:
        admission.admit(asking, "smart")
    assert (refused.value.model, refused.value.models) == ("smart", ("auto", "gpt-4o"))
    with pytest.raises(ModelNotInPlan):
        admission.admit(keyed(KeyLimits(key_id=1, models=("auto",)), models=("smart",)), "auto")


def test_requests_left_are_those_of_the_tighter_limit() -> None:
    clock = HandClock()
    admission = Admission(clock)
    slow = keyed(KeyLimits(key_id=1, requests_per_minute=2))
    assert admission.left(slow) == RequestsLeft(2, 2, 0.0, key_limited=True)
    admission.admit(slow, "auto")
    clock.wait(15)
    admission.admit(slow, "auto")
    clock.wait(5)
    assert admission.left(slow) == RequestsLeft(2, 0, 55.0, key_limited=True)
    assert admission.left(tenant(requests_per_minute=5)) == RequestsLeft(5, 3, 55.0)
    assert admission.left(tenant(requests_per_minute=1)).remaining == 0


def test_requests_left_are_all_back_a_minute_after_the_latest() -> None:
    clock = HandClock()
    admission, caller = Admission(clock), tenant(requests_per_minute=5)
    for _ in range(3):
        admission.admit(caller, "auto")
        clock.wait(10)
    assert admission.left(caller) == RequestsLeft(5, 2, 50)
    clock.wait(30)
    assert admission.left(caller) == RequestsLeft(5, 3, 20)
    clock.wait(20)
    assert admission.left(caller) == RequestsLeft(5, 5, 0.0)


def test_banned_tenant_is_named() -> None:
    with pytest.raises(TenantBanned) as refused:
        Admission(HandClock()).check(tenant(banned=True), "auto")
    assert refused.value.tenant_id == 7


class Shared:
    """Windows that another process has filled."""

    def __init__(self, clock: HandClock) -> None:
        self.clock, self.begun = clock, list[float]()

    async def count(self, windows: Sequence[RequestWindow]) -> list[CountedWindow]:
        counted = []
        for window in windows:
            ages = tuple(age for at in self.begun if (age := self.clock.monotonic() - at) < 60)
            if len(ages) >= window.limit:
                raise FullWindow(CountedWindow(window, ages))
            counted.append(CountedWindow(window, (*ages, 0.0)))
        self.begun.append(self.clock.monotonic())
        return counted


async def test_requests_of_other_processes_count_and_are_shown() -> None:
    clock = HandClock()
    admission, shared = Admission(clock), Shared(clock)
    slow = tenant(requests_per_minute=3)
    await admission.admit_together(slow, "auto", shared)
    clock.wait(10)
    shared.begun.append(clock.monotonic())
    await admission.admit_together(slow, "auto", shared)
    assert admission.left(slow).remaining == 0
    with pytest.raises(TooManyRequests) as full:
        await admission.admit_together(slow, "auto", shared)
    assert full.value.retry_after_seconds == 50
    clock.wait(50)
    await admission.admit_together(slow, "auto", shared)


async def test_window_that_others_have_filled_is_known_from_then_on() -> None:
    clock = HandClock()
    admission, shared = Admission(clock), Shared(clock)
    shared.begun += [clock.monotonic()] * 3
    slow = tenant(requests_per_minute=3)
    for _ in range(2):
        with pytest.raises(TooManyRequests):
            await admission.admit_together(slow, "auto", shared)
    assert admission.left(slow).remaining == 0
