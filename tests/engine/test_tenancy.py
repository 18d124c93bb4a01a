"""Plans and API keys, and the models that they include."""

import re
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.tenancy import KeyLimits, Plan, seconds_left_today
from tests.engine.scripted import TENANT

ROOT = Path(__file__).parents[2]
PACKAGES = ("engine", "storage", "bot", "web")


def test_plan_without_a_list_allows_every_model() -> None:
    assert TENANT.plan.allows("anything")


def test_plan_with_a_list_allows_only_its_models() -> None:
    plan = replace(TENANT.plan, models=("auto",))
    assert (plan.allows("auto"), plan.allows("smart")) == (True, False)
    assert not replace(TENANT.plan, models=()).allows("auto")


def test_every_field_of_a_plan_is_read_by_the_code() -> None:
    sources = "".join(path.read_text() for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    sources += (ROOT / "engine" / "tenancy.py").read_text().replace("self.", "plan.")
    unread = [each.name for each in fields(Plan) if not re.search(rf"\bplan\.{each.name}\b", sources)]
    assert not unread, f"enforce these fields of Plan, as plan.FIELD, and test it: {', '.join(unread)}"


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
