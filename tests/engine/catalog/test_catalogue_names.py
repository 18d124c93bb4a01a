"""The names, times and errors of the price catalogue, tested with small catalogues."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from genai_prices import UpdatePrices
from genai_prices.data_snapshot import DataSnapshot, get_snapshot, set_custom_snapshot
from genai_prices.types import ClauseEquals, ClauseOr, ClauseStartsWith, ModelInfo, ModelPrice, Provider

from engine.catalog.price_book import PriceBook, fresh_prices

MONDAY_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PRICES = ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(2))
Sell = Callable[..., PriceBook]


@pytest.fixture
def sell() -> Iterator[Sell]:
    """Yield a function that replaces the catalogue: the models of each provider, in order."""

    def replace(**models: list[ModelInfo]) -> PriceBook:
        providers = [Provider(id=name, name=name, api_pattern="-", models=sold) for name, sold in models.items()]
        set_custom_snapshot(DataSnapshot(providers=providers, from_auto_update=False))
        return PriceBook()

    yield replace
    set_custom_snapshot(None)


def begins(prefix: str, model: str = "", prices: ModelPrice = PRICES) -> ModelInfo:
    return ModelInfo(id=model or prefix, match=ClauseStartsWith(starts_with=prefix), prices=prices)


def test_id_is_its_own_name_where_another_models_pattern_fits_it(sell: Sell) -> None:
    book = sell(openai=[begins("x", "other"), ModelInfo(id="x-1", match=ClauseEquals(equals="y"), prices=PRICES)])
    assert book.knows("openai", "x-1")
    assert not book.knows("openai", "x-2")


def test_listed_alias_is_a_name_also_within_alternatives(sell: Sell) -> None:
    aliases = ClauseOr(or_=[ClauseEquals(equals="a"), ClauseOr(or_=[ClauseEquals(equals="b")])])
    book = sell(openai=[ModelInfo(id="x", match=aliases, prices=PRICES)])
    assert [name for name in ("x", "a", "b", "c") if book.knows("openai", name)] == ["x", "a", "b"]
    assert book.price("openai", "b", MONDAY_NOON) is not None


def test_dated_name_belongs_to_the_model_of_its_own_pattern(sell: Sell) -> None:
    book = sell(openai=[begins("x-2025", "dearer"), begins("x")])
    assert book.knows("openai", "x-20240101")
    assert not book.knows("openai", "x-20250101")


def test_dated_name_is_looked_up_at_its_provider(sell: Sell) -> None:
    book = sell(other=[begins("gemini-z")], google=[begins("gemini-z")])
    assert book.knows("gemini", "gemini-z-20250101")
    assert book.sellers("gemini-z", {"gemini"}.__contains__) == ("gemini",)


@pytest.mark.parametrize(
    ("provider", "model", "billed"),
    [
        ("openai", "gpt-audio", True),
        ("gemini", "gemini-2.5-flash-image", True),
        ("openai", "gpt-4o", False),
        ("openai", "gpt-nobody", False),
        ("nobody", "gpt-audio", False),
    ],
)
def test_model_that_answers_with_sound_or_pictures_is_billed_beside_text(
    provider: str, model: str, billed: bool
) -> None:
    assert PriceBook().bills_beside_text(provider, model, MONDAY_NOON) is billed


@pytest.mark.parametrize(
    ("usd_per_mtok", "reason"), [("1000001", "1000001 USD per 1M tokens is more than any model costs"), ("1000000", "")]
)
def test_price_over_a_dollar_a_token_is_an_error(
    usd_per_mtok: str, reason: str, sell: Sell, caplog: pytest.LogCaptureFixture
) -> None:
    book = sell(openai=[begins("x", prices=ModelPrice(input_mtok=Decimal(usd_per_mtok), output_mtok=Decimal(2)))])
    assert (book.price("openai", "x", MONDAY_NOON) is None) is bool(reason)
    assert caplog.messages == ([f"the price of x can't be read: {reason}"] if reason else [])


def test_unreadable_price_is_logged_with_its_model_and_reason(sell: Sell, caplog: pytest.LogCaptureFixture) -> None:
    book = sell(openai=[begins("x", prices=ModelPrice(input_mtok=Decimal(-1), output_mtok=Decimal(2)))])
    assert book.is_unreadable("openai", "x", MONDAY_NOON)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("the price of x can't be read: ")
    assert "-1" in caplog.messages[0]


def test_peak_hours_apply_on_their_first_day() -> None:
    first = datetime(2026, 8, 17, 2, 30, tzinfo=UTC)
    peak, noon = (PriceBook().price("deepseek", "deepseek-v4-flash", at) for at in (first, first.replace(hour=12)))
    assert peak is not None
    assert noon is not None
    assert peak.rates(0).input > noon.rates(0).input


def test_weekend_is_utc_and_not_that_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    saturday = datetime(2026, 11, 21, 2, 30, tzinfo=UTC)
    expected = PriceBook().price("deepseek", "deepseek-v4-flash", saturday)
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/Los_Angeles")
        time.tzset()
        found = PriceBook().price("deepseek", "deepseek-v4-flash", saturday.astimezone())
    time.tzset()
    assert found == expected


def test_publisher_that_cannot_be_reached_leaves_the_prices(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: UpdatePrices) -> DataSnapshot:
        raise OSError("no route to host")

    logged = threading.Event()

    def notice(_: logging.LogRecord) -> bool:
        logged.set()
        return True

    monkeypatch.setattr(UpdatePrices, "fetch", fail)
    monkeypatch.setattr(caplog.handler, "filters", [notice])
    before = get_snapshot()
    with caplog.at_level(logging.WARNING), fresh_prices():
        assert logged.wait(10)
    assert get_snapshot() is before
    assert caplog.messages[0] == (
        "the price catalogue could not be refreshed, its prices stay as they are: no route to host"
    )
