"""Balances in the answers of DeepSeek and OpenRouter, and answers of other shapes."""

from decimal import Decimal
from typing import Any

import pytest

from engine.money import Money
from engine.providers.balances import Balance, deepseek_balance, openrouter_credits


def infos(*found: tuple[Any, Any]) -> dict[str, Any]:
    return {
        "is_available": True,
        "balance_infos": [{"currency": currency, "total_balance": amount} for currency, amount in found],
    }


@pytest.mark.parametrize(
    ("answer", "balance"),
    [
        (infos(("CNY", "110.00")), Balance(Decimal("110.00"), "CNY")),
        (infos(("CNY", "0.00"), ("USD", "9.41")), Balance(Decimal("9.41"))),
        (infos(("USD", "-0.02")), Balance(Decimal("-0.02"))),
        (infos(("EUR", "5")), None),
        (infos(("USD", "much")), None),
        (infos(("USD", "NaN")), None),
        (infos(), None),
        ({"balance_infos": "none"}, None),
        ({"balance_infos": [3]}, None),
        ([], None),
        (None, None),
        ("text", None),
    ],
)
def test_deepseek(answer: Any, balance: Balance | None) -> None:
    assert deepseek_balance(answer) == balance


@pytest.mark.parametrize(
    ("left", "balance"),
    [
        (4.25, Balance(Decimal("4.25"))),
        (0, Balance(Decimal(0))),
        (None, None),
        (True, None),
        ({}, None),
    ],
)
def test_openrouter(left: Any, balance: Balance | None) -> None:
    assert openrouter_credits({"data": {"limit": 10, "limit_remaining": left, "usage": 1}}) == balance


def test_openrouter_answer_of_another_shape_names_no_balance() -> None:
    answers: tuple[Any, ...] = ({}, [], None, {"data": []})
    assert [openrouter_credits(answer) for answer in answers] == [None] * 4


def test_yuan_are_worth_a_seventh() -> None:
    assert Balance(Decimal(70), "CNY").usd == Money.usd("10")
    assert Balance(Decimal("0.000000001")).usd == Money(1)
