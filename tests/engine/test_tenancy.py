"""Plans and API keys, and the models that they include."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from engine.tenancy import KeyLimits, seconds_left_today
from tests.engine.scripted import TENANT


def test_plan_without_a_list_allows_every_model() -> None:
    assert TENANT.plan.allows("anything")


def test_plan_with_a_list_allows_only_its_models() -> None:
    plan = replace(TENANT.plan, models=("auto",))
    assert (plan.allows("auto"), plan.allows("smart")) == (True, False)
    assert not replace(TENANT.plan, models=()).allows("auto")


@pytest.mark.parametrize(
    ("now", "seconds"),
    [
        (datetime(2026, 11, 30, tzinfo=UTC), 86_400),
        (datetime(2026, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC), 0.5),
    ],
)
def test_day_ends_at_the_next_midnight(now: datetime, seconds: float) -> None:
    assert seconds_left_today(now) == seconds


def test_model_must_be_in_the_plan_and_in_the_key() -> None:
    planned = replace(TENANT, plan=replace(TENANT.plan, models=("auto", "smart")))
    keyed = replace(planned, key=KeyLimits(key_id=1, models=("smart", "gpt-4o")))
    names = ("auto", "smart", "gpt-4o")
    assert [planned.allows(name) for name in names] == [True, True, False]
    assert [keyed.allows(name) for name in names] == [False, True, False]
    assert replace(keyed, key=KeyLimits(key_id=1)).allows("auto")
