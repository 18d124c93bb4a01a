"""The cost of one attempt, as billed or by price."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from engine.catalog.offers import Offer, Quote, flat_price
from engine.catalog.price_book import PriceBook
from engine.chat import Usage
from engine.gateway.billed_attempt import cost_atto

NOW = datetime(2026, 11, 30, tzinfo=UTC)
QUOTE = Quote(Offer("openrouter", "a-model"), flat_price("1", "2"), 1)


def test_reported_bill_counts_with_the_fee() -> None:
    book = PriceBook(fees={"openrouter": Fraction(1, 10)})
    usage = Usage(10, 5, cost_usd=Decimal("0.001"))
    assert cost_atto(book, QUOTE, usage, served="", at=NOW) == 11 * 10**14


def test_reported_bill_of_a_provider_without_a_fee_counts_as_it_is() -> None:
    usage = Usage(10, 5, cost_usd=Decimal("0.001"))
    assert cost_atto(PriceBook(), QUOTE, usage, served="", at=NOW) == 10**15


def test_another_model_counts_at_its_price_of_that_hour() -> None:
    peak, noon = (datetime(2026, 8, 18, hour, 30, tzinfo=UTC) for hour in (2, 12))
    asked = PriceBook().price("deepseek", "deepseek-v4-flash", noon)
    assert asked is not None
    quote = Quote(Offer("deepseek", "an-alias"), asked, 1)
    usage = Usage(1000, 500)
    costs = [cost_atto(PriceBook(), quote, usage, served="deepseek-v4-flash", at=at) for at in (peak, noon)]
    assert costs[0] > costs[1] == asked.cost_atto(usage)


def test_tokens_count_at_the_price_of_the_quote_and_of_another_model_that_answered() -> None:
    overrides = {"openrouter/other": flat_price("10", "20")}
    book, usage = PriceBook(overrides=overrides), Usage(10, 5)
    quoted = cost_atto(book, QUOTE, usage, served="", at=NOW)
    assert quoted == 20 * 10**12
    assert cost_atto(book, QUOTE, usage, served="a-model", at=NOW) == quoted
    assert cost_atto(book, QUOTE, usage, served="other", at=NOW) == 10 * quoted
