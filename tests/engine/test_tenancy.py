"""Plans and the models that they include."""

from dataclasses import replace

from tests.engine.scripted import TENANT


def test_plan_without_a_list_allows_every_model() -> None:
    assert TENANT.plan.allows("anything")


def test_plan_with_a_list_allows_only_its_models() -> None:
    plan = replace(TENANT.plan, models=("auto",))
    assert (plan.allows("auto"), plan.allows("smart")) == (True, False)
    assert not replace(TENANT.plan, models=()).allows("auto")
