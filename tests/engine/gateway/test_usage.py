"""Reports of usage that are accepted, and estimates in place of all others."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.catalog.offers import flat_price
from engine.catalog.token_counts import estimate_text
from engine.chat import ChatRequest, Role, Usage, says
from engine.gateway.billed_attempt import (
    MOST_TOKENS,
    Bounds,
    Delivered,
    estimated_usage,
    partial_usage,
    unpaid_usage,
    whole_usage,
)
from engine.money import Money

REQUEST = ChatRequest("r", "m", (says(Role.USER, "hello"),))
BOUNDS = Bounds(100, 50)


def said(text: str, thinking: str = "", times: float = 1.0) -> Delivered:
    return Delivered(text, thinking, times)


@pytest.mark.parametrize(
    "report", [Usage(9, 3), Usage(150, 60), Usage(9, 3, 4, 5, 2), Usage(1, 0), Usage(10_400, 3), Usage(9, 10_200)]
)
def test_credible_report_is_the_usage_even_over_the_hold(report: Usage) -> None:
    assert whole_usage(REQUEST, report, said("hi"), BOUNDS) == report


@pytest.mark.parametrize(
    "report",
    [
        Usage(-9, 3),
        Usage(9, -3),
        Usage(9, 3, -1),
        Usage(9, 3, 0, -1),
        Usage(9, 3, 0, 0, -1),
        Usage(9, 3, 8, 2),
        Usage(0, 3),
        Usage(MOST_TOKENS, 1),
        Usage(10_401, 3),
        Usage(9, 10_201),
    ],
)
def test_absurd_report_is_replaced_by_an_estimate_within_the_hold(report: Usage) -> None:
    for found in (
        whole_usage(REQUEST, report, said("hi there"), BOUNDS),
        partial_usage(REQUEST, report, said("hi there"), BOUNDS),
    ):
        assert found.estimated
        assert 0 < found.input_tokens <= 100
        assert 0 < found.output_tokens <= 50


@pytest.mark.parametrize(
    ("report", "output"),
    [(Usage(0, 3), 3), (Usage(0, 50, reasoning_tokens=20), 50), (Usage(0, 10_201), None), (Usage(0, 0), None)],
)
def test_only_the_input_is_estimated_where_a_report_lacks_it(report: Usage, output: int | None) -> None:
    estimate = estimated_usage(REQUEST, said("hi there"), BOUNDS)
    found = whole_usage(REQUEST, report, said("hi there"), BOUNDS)
    wanted = replace(estimate, output_tokens=output or 0, reasoning_tokens=report.reasoning_tokens)
    assert found == (estimate if output is None else wanted)


def test_disputed_report_without_input_is_estimated() -> None:
    report = Usage(0, 3, is_disputed=True)
    assert whole_usage(REQUEST, report, said("hi"), BOUNDS) == estimated_usage(REQUEST, said("hi"), BOUNDS)


def test_report_above_any_model_is_absurd_even_within_the_bounds() -> None:
    wide = Bounds(MOST_TOKENS, MOST_TOKENS)
    assert whole_usage(REQUEST, Usage(MOST_TOKENS - 1, 1), said("hi"), wide) == Usage(MOST_TOKENS - 1, 1)
    assert whole_usage(REQUEST, Usage(MOST_TOKENS, 1), said("hi"), wide).estimated


def test_estimate_stays_within_the_hold() -> None:
    assert estimated_usage(REQUEST, said("long " * 10_000), Bounds(3, 50)) == Usage(3, 50, estimated=True)


def test_output_of_a_stopped_answer_is_estimated_where_only_the_input_was_reported() -> None:
    text = "many words have come so far, all of them read"
    found = partial_usage(REQUEST, Usage(9, 1), said(text), BOUNDS)
    estimate = estimated_usage(REQUEST, said(text), BOUNDS)
    assert found == Usage(9, estimate.output_tokens, estimated=True)
    assert found.output_tokens > 5


def test_output_report_of_at_least_half_the_estimate_is_believed() -> None:
    text = "many words have come so far, all of them read by now"
    estimate = estimated_usage(REQUEST, said(text), BOUNDS).output_tokens
    half = -(-estimate // 2)
    assert partial_usage(REQUEST, Usage(9, half), said(text), BOUNDS) == Usage(9, half)
    assert partial_usage(REQUEST, Usage(9, half - 1), said(text), BOUNDS).estimated


def test_output_report_of_exactly_half_the_estimate_is_believed() -> None:
    texts = [said("word " * times) for times in range(1, 30)]
    even = next(text for text in texts if text.sent_tokens % 2 == 0)
    report = Usage(9, even.sent_tokens // 2)
    assert partial_usage(REQUEST, report, even, BOUNDS) == report


def test_stopped_answer_without_a_report_is_estimated() -> None:
    assert partial_usage(REQUEST, None, said("hi there"), BOUNDS) == estimated_usage(REQUEST, said("hi there"), BOUNDS)


def test_hold_covers_each_part_of_a_bill_up_to_its_bounds() -> None:
    assert Bounds(10, 5).covered(Usage(12, 6, 8, 4, 3)) == Usage(10, 5, 8, 2)
    assert Bounds(10, 5).covered(Usage(12, 6, 11, 1)) == Usage(10, 5, 10, 0)
    assert Bounds(10, 5).covered(Usage(7, 3, 2, 1)) == Usage(7, 3, 2, 1)


def test_unpaid_usage_is_the_difference_and_never_below_zero() -> None:
    assert unpaid_usage(Usage(10, 40), Usage(10, 1)) == Usage(0, 39)
    assert unpaid_usage(Usage(10, 4), Usage(12, 5)) == Usage(0, 0)
    assert unpaid_usage(Usage(10, 4), Usage(9, 1, estimated=True)) == Usage(1, 3, estimated=True)
    assert unpaid_usage(Usage(10, 4, estimated=True), Usage(9, 1)).estimated


def test_streamed_reasoning_is_paid_with_the_delivered_text() -> None:
    wide = Bounds(100, 5000)
    plain = partial_usage(REQUEST, None, said("hi there"), wide)
    thoughtful = partial_usage(REQUEST, None, said("hi there", "many thoughts " * 100), wide)
    assert thoughtful.output_tokens - plain.output_tokens == estimate_text("many thoughts " * 100)
    assert thoughtful.estimated


def test_learned_share_of_reasoning_counts_only_where_none_was_streamed() -> None:
    wide = Bounds(100, 5000)
    plain = partial_usage(REQUEST, None, said("hi there"), wide).output_tokens
    assert partial_usage(REQUEST, None, said("hi there", times=8), wide).output_tokens == 8 * plain
    assert partial_usage(REQUEST, None, said("hi there", "hm", 8), wide).output_tokens == plain + 1
    assert partial_usage(REQUEST, None, said("hi there", times=0.5), wide).output_tokens == plain
    assert partial_usage(REQUEST, None, said("hi there", times=9999), wide).output_tokens == 5000


def test_report_of_the_output_is_not_replaced_by_the_learned_share() -> None:
    assert partial_usage(REQUEST, Usage(9, 3), said("hi there", times=30), BOUNDS) == Usage(9, 3)


def test_reported_bill_counts_for_a_whole_answer_but_not_for_an_estimated_part() -> None:
    bill = Decimal("0.01")
    assert whole_usage(REQUEST, Usage(-9, 3, cost_usd=bill), said("hi"), BOUNDS).cost_usd == bill
    text = "many words have come so far, all of them read"
    assert partial_usage(REQUEST, Usage(9, 1, cost_usd=bill), said(text), BOUNDS).cost_usd is None


def test_most_cost_of_bounds_is_rounded_up() -> None:
    assert Bounds(3, 4).most_cost(flat_price("0.0001", "0.0002")) == Money(2)  # 0.3 and 0.8 nano-dollars
    assert Bounds(200, 100).most_cost(flat_price("1", "2")) == Money(400_000)


def test_answer_without_a_report_is_estimated_and_has_no_reported_bill() -> None:
    found = whole_usage(REQUEST, None, said("hi there"), BOUNDS)
    assert found.estimated
    assert found.cost_usd is None


def test_reasoning_of_the_time_before_the_first_token_is_paid_where_it_is_more_than_the_learned_share() -> None:
    wide, sent = Bounds(100, 5000), estimate_text("hi there")
    for unsent, times, thinking, expected in (
        (1000, 2.0, "", sent + 1000),
        (1, 9.0, "", 9 * sent),
        (1000, 2.0, "hm", sent + 1),
        (9000, 1.0, "", 5000),
    ):
        delivered = Delivered("hi there", thinking, times, unsent)
        assert partial_usage(REQUEST, None, delivered, wide).output_tokens == expected


@pytest.mark.parametrize(
    ("usage", "is_contained"),
    [
        (Usage(10, 5, 8, 2), True),
        (Usage(11, 5), False),
        (Usage(10, 6), False),
        (Usage(1, 1, cost_usd=Decimal("0.1")), False),
    ],
)
def test_usage_within_its_hold_is_contained(usage: Usage, is_contained: bool) -> None:
    assert Bounds(10, 5).contain(usage) is is_contained
