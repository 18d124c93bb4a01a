from engine.catalog.offers import Price, Rates, flat_price
from engine.chat import Usage
from engine.money import Money

MTOK = 10**12  # atto-dollars a token for 1 USD a million


def test_missing_prices_are_those_of_input() -> None:
    assert flat_price("2", "3").rates(0) == Rates(2 * MTOK, 2 * MTOK, 2 * MTOK, 3 * MTOK)


def test_cache_counted_twice_makes_no_negative_cost() -> None:
    assert flat_price("1", "1", "0").cost_atto(Usage(10, 0, cached_tokens=10, cache_write_tokens=10)) == 10 * MTOK


def test_deepseeks_cache_hits_are_billed_as_hits() -> None:
    price = flat_price("0.14", "0.28", "0.0028")
    cost = price.cost_atto(Usage(1000, 220, cached_tokens=900))
    assert Money.from_atto(cost) == Money.usd("0.00007812")


TIERED = Price(((0, Rates(1, 2, 3, 4)), (100, Rates(9, 5, 6, 7)), (200, Rates(5, 10, 11, 12))))


def test_tier_begins_above_its_start() -> None:
    assert [TIERED.rates(tokens).input for tokens in (0, 100, 101, 200, 201)] == [1, 1, 9, 9, 5]


def test_ceiling_is_the_maximum_of_input_cache_reads_and_writes() -> None:
    assert [TIERED.ceiling(tokens) for tokens in (99, 100, 200)] == [(3, 4), (9, 7), (11, 12)]


def test_every_kind_of_token_has_its_own_price() -> None:
    usage = Usage(60, 7, cached_tokens=10, cache_write_tokens=20)
    assert TIERED.cost_atto(usage) == 30 * 1 + 10 * 2 + 20 * 3 + 7 * 4


def test_ceiling_is_that_of_cache_reads_where_they_are_the_dearest() -> None:
    assert Price(((0, Rates(1, 9, 2, 3)),)).ceiling(10) == (9, 3)


def test_flat_price_applies_from_the_first_token() -> None:
    assert flat_price("1", "2", "3").ceiling(0) == (3 * MTOK, 2 * MTOK)
