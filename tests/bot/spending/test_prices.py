from datetime import UTC, datetime
from fractions import Fraction

import pytest
from msgspec.structs import replace

from bot.spending.prices import expected_price, price_by, price_of
from engine.catalog.catalog import Catalog
from engine.catalog.offers import Model, Offer, Quote, flat_price
from engine.catalog.price_book import PriceBook
from engine.catalog.tariffs import tokens_worth
from engine.chat import ChatRequest, Role, says
from engine.money import ZERO, Money
from engine.tenancy import Charge, Flat, Markup, Tariff

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
ASKED = ChatRequest("r", "auto", (says(Role.USER, "tell me about the sea"),))


def test_plan_tokens_are_worth_the_price_per_token() -> None:
    flat = Flat(5 * 10**12)
    assert tokens_worth(flat, 1200) == Money.usd("0.006")
    assert tokens_worth(Markup(Fraction(7, 5)), 1200) == ZERO
    assert tokens_worth(None, 1200) == ZERO


def test_price_is_wallet_money_and_the_value_of_plan_tokens() -> None:
    offers = (Offer("deepseek", "m"),)
    models = {"auto": Model("auto", offers, Flat(5 * 10**12)), "smart": Model("smart", offers, Markup(Fraction(7, 5)))}
    catalog = Catalog(models=models, book=PriceBook({}), configured=lambda _: True, named_markup=Fraction(7, 5))
    charge = Charge(Money.usd("0.001"), 1200)
    assert price_of(catalog, "auto", charge) == Money.usd("0.007")
    assert price_of(catalog, "smart", Charge(Money.usd("0.001"), 0)) == Money.usd("0.001")
    assert price_of(catalog, "no/longer-offered", charge) == Money.usd("0.001")


@pytest.mark.parametrize(
    ("tariff", "expected"), [(Flat(5 * 10**12), "0.0025"), (Markup(Fraction(7, 5)), "0.0126"), (Flat(0), "0")]
)
def test_expected_price_is_by_the_tariff(tariff: Tariff, expected: str) -> None:
    quote = Quote(Offer("deepseek", "m"), flat_price("10", "20"), 9 * 10**15, expected_tokens=500, input_tokens=100)
    assert expected_price(tariff, quote) == Money.usd(expected)


@pytest.mark.parametrize("can_be_quoted", [True, False])
def test_price_by_another_model_is_of_its_cheapest_offer(can_be_quoted: bool) -> None:
    cheap, dear = Offer("deepseek", "m"), Offer("openai", "m")
    models = {"smart": Model("smart", (dear, cheap), Markup(Fraction(2)))}
    book = PriceBook({"deepseek/m": flat_price("1", "1"), "openai/m": flat_price("9", "9")})
    catalog = Catalog(models=models, book=book, configured=lambda _: can_be_quoted, named_markup=Fraction(1))
    price = price_by(catalog, NOON, ASKED, "smart")
    if not can_be_quoted:
        assert price is None
        return
    quotes, _ = catalog.quote(replace(ASKED, model="smart"), models["smart"], NOON)
    assert price == min(quote.expected for quote in quotes) + min(quote.expected for quote in quotes)
