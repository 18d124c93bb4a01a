"""OpenRouter's stand-in: model ids, costs, upstream errors, credit."""

import json

import pytest

from sandbox.providers.addresses.openrouter import STAND_IN
from sandbox.providers.exchange import StandInUsage
from sandbox.providers.refusals import StandInRefused

MODEL = "deepseek/deepseek-v4-flash"


def test_model_without_a_vendor_is_refused() -> None:
    STAND_IN.check({}, MODEL)
    with pytest.raises(StandInRefused, match="nonsense is not a valid model ID"):
        STAND_IN.check({}, "nonsense")


@pytest.mark.parametrize(
    ("model", "effort", "thinks"),
    [(MODEL, "low", True), (MODEL, "none", False), ("openai/gpt-oss-20b", "low", True), ("meta/llama", "low", False)],
)
def test_reasoning_model_thinks_unless_switched_off(model: str, effort: str, thinks: bool) -> None:
    assert STAND_IN.thinks({"reasoning": {"effort": effort}}, model) is thinks


def test_thoughts_are_shown_unless_excluded() -> None:
    assert STAND_IN.shows_thoughts({})
    assert not STAND_IN.shows_thoughts({"reasoning": {"exclude": True}})


def test_usage_has_the_cost_of_input_output_and_thinking() -> None:
    usage = STAND_IN.usage_body(StandInUsage(prompt=1000, cached=0, written=0, output=60, thought=40))
    assert usage["cost"] == pytest.approx(0.000126)


def test_only_an_error_of_the_upstream_names_it() -> None:
    upstream, own = STAND_IN.refusals["overloaded"], STAND_IN.refusals["money_gone"]
    assert STAND_IN.error_body(upstream, 5)["error"]["metadata"]["raw"] == "Provider returned error"
    assert STAND_IN.error_body(own, 5) == {"error": {"code": 402, "message": own.message}}


def test_error_within_a_stream_is_a_chunk() -> None:
    [broken] = STAND_IN.broken()
    chunk = json.loads(broken.removeprefix(b"data: "))
    assert (chunk["error"]["code"], chunk["choices"][0]["finish_reason"]) == (502, "error")


@pytest.mark.parametrize(("has_money", "left"), [(True, 10.0), (False, 0.0)])
def test_free_probe_reports_the_credit(has_money: bool, left: float) -> None:
    assert STAND_IN.probes(has_money=has_money)["key"]["data"]["limit_remaining"] == left
