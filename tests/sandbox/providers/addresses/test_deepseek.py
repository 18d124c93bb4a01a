"""DeepSeek's stand-in: thinking, usage, balance."""

import pytest

from sandbox.providers.addresses.deepseek import STAND_IN
from sandbox.providers.exchange import ParsedRequest, StandInUsage

ASKED = ParsedRequest("deepseek-v4-flash", "hello", "hello", 9, options={"include_usage": True})
USAGE = StandInUsage(prompt=10, cached=4, written=0, output=5, thought=2)


@pytest.mark.parametrize(
    ("body", "thinks"),
    [({}, True), ({"thinking": {"type": "enabled"}}, True), ({"thinking": {"type": "disabled"}}, False)],
)
def test_model_thinks_unless_switched_off(body: dict[str, dict[str, str]], thinks: bool) -> None:
    assert STAND_IN.thinks(body, "deepseek-v4-flash") is thinks
    assert STAND_IN.shows_thoughts(body)
    assert STAND_IN.thought("hm") == {"reasoning_content": "hm"}


def test_unknown_field_is_ignored() -> None:
    STAND_IN.check({"nonsense": 1}, "deepseek-v4-flash")


def test_usage_splits_the_prompt_and_is_never_a_chunk_of_its_own() -> None:
    usage = STAND_IN.usage_body(USAGE)
    assert (usage["prompt_cache_hit_tokens"], usage["prompt_cache_miss_tokens"]) == (4, 6)
    assert (usage["completion_tokens"], usage["total_tokens"]) == (7, 17)
    assert STAND_IN.beside_finish(USAGE) == {"usage": usage}
    assert not STAND_IN.has_usage_chunk(ASKED)


def test_refusal_does_not_name_the_wait() -> None:
    assert STAND_IN.retry_headers(5) == {}


@pytest.mark.parametrize(("has_money", "balance"), [(True, "10.00"), (False, "0.00")])
def test_free_probe_reports_the_balance(has_money: bool, balance: str) -> None:
    account = STAND_IN.probes(has_money=has_money)["user/balance"]
    assert account["is_available"] is has_money
    assert account["balance_infos"] == [{"currency": "USD", "total_balance": balance}]
