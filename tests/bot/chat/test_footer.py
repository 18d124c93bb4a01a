"""The line below an answer, and the price in it."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

import pytest

import locales
from bot.chat.footer import footer, seconds_of
from engine.attempt_record import Receipt
from engine.money import Money
from tests.builders import attempt

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def receipt(*durations_ms: int) -> Receipt:
    attempts = tuple(
        attempt(request_id="r", provider="deepseek", started_at=NOON, duration_ms=each) for each in durations_ms
    )
    return Receipt("r", "auto", NOON, (), (), attempts)


@pytest.mark.parametrize(
    ("language", "nanousd", "line"),
    [
        ("en", 400_000, "0.04 ¢ · DeepSeek · 1.2 s"),
        ("vi", 400_000, "0,04 ¢ · DeepSeek · 1,2 giây"),
        ("en", 12_500_000_000, "$12.50 · DeepSeek · 1.2 s"),
        ("vi", 1_250_000_000, "1,25 $ · DeepSeek · 1,2 giây"),
        ("en", 1, "0.0000001 ¢ · DeepSeek · 1.2 s"),
        ("en", 0, "$0.00 · DeepSeek · 1.2 s"),
    ],
)
def test_footer_names_price_provider_and_duration(language: str, nanousd: int, line: str) -> None:
    t = partial(locales.text, language)
    assert footer(t, Money(nanousd), "deepseek", receipt(600, 600)) == line


def test_footer_of_a_group_has_no_price() -> None:
    assert footer(partial(locales.text, "en"), None, "mybox", receipt(1249)) == "mybox · 1.2 s"


def test_long_answers_have_the_readers_separators() -> None:
    assert seconds_of(receipt(1_234_560)) == Decimal("1234.6")
    assert footer(partial(locales.text, "vi"), None, "x", receipt(1_234_560)) == "x · 1.234,6 giây"
