from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from genai_prices.data_snapshot import DataSnapshot, set_custom_snapshot
from genai_prices.types import ClauseEquals, ModelInfo, ModelPrice, Provider, Tier, TieredPrices
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.catalog.catalog import Catalog
from engine.catalog.offers import Model, Offer, flat_price
from engine.catalog.price_book import PriceBook
from engine.chat import ChatRequest, Role, says
from engine.tenancy import Flat

MONDAY_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def catalogue_of(prices: ModelPrice, model: str = "weird") -> DataSnapshot:
    """Return a catalogue in which openrouter sells one model at `prices`."""
    info = ModelInfo(id=model, match=ClauseEquals(equals=model), prices=prices)
    provider = Provider(id="openrouter", name="OpenRouter", api_pattern="", models=[info])
    return DataSnapshot(providers=[provider], from_auto_update=False)


@pytest.fixture
def sell() -> Iterator[Callable[[ModelPrice], PriceBook]]:
    """Yield a function that replaces the whole catalogue by one model of openrouter."""

    def replace(prices: ModelPrice) -> PriceBook:
        set_custom_snapshot(catalogue_of(prices))
        return PriceBook(fees={"openrouter": Fraction("0.055")})

    yield replace
    set_custom_snapshot(None)


ODD = st.one_of(
    st.none(),
    st.decimals(allow_nan=True, allow_infinity=True),
    st.decimals(min_value=0, max_value=100, places=6),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(max_size=4),
    st.sampled_from([Decimal("0.08333333333333334"), Decimal(-1), Decimal("1e400"), Decimal("1E-13"), True]),
)
ODD_OR_TIERED = st.one_of(
    ODD,
    st.builds(
        TieredPrices,
        base=ODD,
        tiers=st.lists(st.builds(Tier, start=st.integers(-5, 10**6), price=ODD), max_size=3),
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ODD_OR_TIERED, ODD_OR_TIERED, ODD_OR_TIERED, ODD_OR_TIERED)
def test_any_price_of_the_catalogue_is_exact_or_leaves_its_own_offer_out(
    sell: Callable[[ModelPrice], PriceBook], plain: Any, cached: Any, written: Any, output: Any
) -> None:
    book = sell(ModelPrice(input_mtok=plain, cache_read_mtok=cached, cache_write_mtok=written, output_mtok=output))
    book.overrides = {"openai/gpt-4o": flat_price("1", "2")}
    price = book.price("openrouter", "weird", MONDAY_NOON)
    if price is not None:
        for _, rates in price.tiers:
            for rate in (rates.input, rates.cached_input, rates.cache_write, rates.output):
                assert isinstance(rate, int)
                assert 0 <= rate <= 10**18
    offers = (Offer("openrouter", "weird"), Offer("openai", "gpt-4o"))
    catalog = Catalog({"auto": Model("auto", offers, Flat(1))}, book, lambda _: True)
    quotes, drops = catalog.quote(
        ChatRequest("r", "auto", (says(Role.USER, "Hi"),)), catalog.models["auto"], MONDAY_NOON
    )
    assert offers[1] in [quote.offer for quote in quotes]
    assert (price is None) == (offers[0] in [drop.offer for drop in drops])
    reasons = {drop.reason for drop in drops}
    assert reasons <= {"its price can't be read", "no price is known"}
    assert ("its price can't be read" in reasons) == book.is_unreadable("openrouter", "weird", MONDAY_NOON)


@pytest.mark.parametrize(
    ("prices", "unreadable"),
    [
        (ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(1)), False),
        (ModelPrice(input_mtok=Decimal(10**6), output_mtok=Decimal(1)), True),
        (ModelPrice(input_mtok=Decimal(1)), False),
        (ModelPrice(), False),
        (ModelPrice(input_mtok=Decimal(-1), output_mtok=Decimal(1)), True),
        (ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal("0.0000000000001")), True),
        (
            ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(1), cache_write_mtok=Decimal("0.08333333333333334")),
            True,
        ),
        (
            ModelPrice(input_mtok=TieredPrices(base=Decimal(1), tiers=[Tier(9, Decimal(-1))]), output_mtok=Decimal(1)),
            True,
        ),
    ],
)
def test_unreadable_price_is_told_from_a_missing_one(
    sell: Callable[[ModelPrice], PriceBook], prices: ModelPrice, *, unreadable: bool
) -> None:
    book = sell(prices)
    assert book.is_unreadable("openrouter", "weird", MONDAY_NOON) is unreadable
    book.overrides = {"openrouter/weird": flat_price("1", "2")}
    assert not book.is_unreadable("openrouter", "weird", MONDAY_NOON)
