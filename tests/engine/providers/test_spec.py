from typing import Any

import pytest

from engine.chat import ChatRequest, Options, Role, says
from engine.ports import ProviderCall
from engine.privacy import DataPolicy, Exclusions
from engine.providers.spec import Spec, thinking_off, upstream_choice

HELLO = (says(Role.USER, "hello"),)


def test_first_matching_part_of_a_model_name_switches_thinking_off() -> None:
    spec = Spec("x", "", thinking_off=(("big", {"a": 1}), ("big-2", {"b": 2}), ("", {"c": 3})))
    found = [thinking_off(ProviderCall(ChatRequest("r", "m", HELLO), model, 10), spec) for model in ("big-2", "small")]
    assert found == [{"a": 1}, {"c": 3}]
    asked = ChatRequest("r", "m", HELLO, options=Options(reasoning_effort="low"))
    assert thinking_off(ProviderCall(asked, "big", 10), spec) == {}


RESELLER = Spec(
    "x", "", data=DataPolicy("US", trains=True, passes_on=True, can_refuse=True), upstreams={"gemini": ("b", "a")}
)


@pytest.mark.parametrize(
    ("exclusions", "fields"),
    [
        (Exclusions(), {}),
        (Exclusions(training=True), {"provider": {"data_collection": "deny"}}),
        (Exclusions(providers=frozenset({"gemini"})), {"provider": {"ignore": ["a", "b"]}}),
        (Exclusions(providers=frozenset({"groq"})), {}),
        (
            Exclusions(providers=frozenset({"gemini"}), training=True),
            {"provider": {"data_collection": "deny", "ignore": ["a", "b"]}},
        ),
    ],
)
def test_reseller_is_told_which_companies_a_tenant_leaves_out(exclusions: Exclusions, fields: dict[str, Any]) -> None:
    assert upstream_choice(exclusions, RESELLER) == fields
    assert upstream_choice(exclusions, Spec("y", "")) == {}
