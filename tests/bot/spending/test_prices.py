from datetime import UTC, datetime
from fractions import Fraction

from bot.spending.prices import price_of, tokens_worth
from engine.catalog.catalog import Catalog
from engine.catalog.offers import Model, Offer
from engine.catalog.price_book import PriceBook
from engine.money import ZERO, Money
from engine.tenancy import Charge, Flat, Markup

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


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
