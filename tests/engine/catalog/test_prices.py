from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from genai_prices import Usage as TheirUsage
from genai_prices import calc_price
from genai_prices.data_snapshot import DataSnapshot, set_custom_snapshot
from genai_prices.types import ClauseEquals, ModelInfo, ModelPrice, Provider, Tier, TieredPrices
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.catalog.catalog import Catalog
from engine.catalog.free_tiers import FREE_PRICE
from engine.catalog.offers import Model, Offer
from engine.catalog.prices import LOCAL, Price, PriceBook, Rates, flat_price
from engine.chat import ChatRequest, Role, Usage, says
from engine.money import Money
from engine.tenancy import Flat

MTOK = 10**12  # atto-dollars a token for 1 USD a million
MONDAY_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
FLASH = ("deepseek", "deepseek-v4-flash")


def usd(atto: int) -> Decimal:
    return Decimal(atto) / MTOK


def input_usd(at: datetime, provider: str = "deepseek", model: str = "deepseek-v4-flash") -> Decimal:
    price = PriceBook().price(provider, model, at)
    assert price is not None
    return usd(price.rates(0).input)


def test_deepseek_doubles_its_price_in_two_weekday_windows() -> None:
    hours = {hour: input_usd(MONDAY_NOON.replace(hour=hour)) for hour in range(24)}
    peak = {1, 2, 3, 6, 7, 8, 9}
    assert hours == {hour: Decimal("0.3") if hour in peak else Decimal("0.15") for hour in range(24)}


def test_peak_hours_begin_and_end_on_the_minute() -> None:
    at = MONDAY_NOON
    edges = (
        at.replace(hour=0, minute=59, second=59),
        at.replace(hour=1),
        at.replace(hour=3, minute=59),
        at.replace(hour=4),
    )
    assert [input_usd(edge) for edge in edges] == [Decimal(each) for each in ("0.15", "0.3", "0.3", "0.15")]


def test_weekend_is_off_peak_all_day() -> None:
    assert {input_usd(datetime(2026, 11, day, 2, 30, tzinfo=UTC)) for day in (21, 22)} == {Decimal("0.15")}


def test_there_was_one_price_before_peak_hours_existed() -> None:
    assert input_usd(datetime(2026, 8, 14, 2, 30, tzinfo=UTC)) == Decimal("0.14")


def test_price_starts_on_its_date() -> None:
    days = [datetime(2026, *day, 12, tzinfo=UTC) for day in ((8, 16), (8, 17), (9, 9), (9, 10))]
    assert [input_usd(day) for day in days] == [Decimal(each) for each in ("0.14", "0.22", "0.22", "0.15")]


def test_price_is_compiled_anew_each_minute() -> None:
    book = PriceBook()
    before = book.price(*FLASH, MONDAY_NOON.replace(hour=0, minute=59))
    within = book.price(*FLASH, MONDAY_NOON.replace(hour=1, minute=0))
    assert before is not None
    assert within is not None
    assert within.rates(0).input == 2 * before.rates(0).input


def test_price_is_compiled_once_within_a_minute() -> None:
    book = PriceBook()
    assert book.price(*FLASH, MONDAY_NOON) is book.price(*FLASH, MONDAY_NOON.replace(second=59))


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("gemini", "gemini-2.5-flash-lite"),
        ("gemini", "gemini-3.8-flash"),
        ("openai", "gpt-4o"),
        ("openai", "gpt-6-luna"),
        ("anthropic", "claude-haiku-5-5"),
        ("groq", "openai/gpt-oss-20b"),
        ("mistral", "mistral-small-latest"),
        ("deepseek", "deepseek-v4-flash"),
    ],
)
@given(
    plain=st.integers(1, 400_000),
    cached=st.integers(0, 200_000),
    output=st.integers(0, 50_000),
    hour=st.integers(0, 23),
)
def test_costs_equal_those_of_the_catalogue(
    provider: str, model: str, plain: int, cached: int, output: int, hour: int
) -> None:
    at = MONDAY_NOON.replace(hour=hour)
    price = PriceBook().price(provider, model, at)
    assert price is not None
    theirs = calc_price(
        TheirUsage(input_tokens=plain + cached, cache_read_tokens=cached, output_tokens=output),
        model,
        provider_id={"gemini": "google"}.get(provider, provider),
        genai_request_timestamp=at,
    )
    ours = price.cost_atto(Usage(plain + cached, output, cached_tokens=cached))
    assert Decimal(ours) / 10**18 == theirs.total_price


def test_tier_applies_to_the_whole_request() -> None:
    price = PriceBook().price("anthropic", "claude-haiku-5-5", MONDAY_NOON)
    assert price is not None
    assert usd(price.cost_atto(Usage(100_000, 0))) == Decimal(10000)
    assert usd(price.cost_atto(Usage(100_001, 0))) == 100_001 * Decimal("0.5")


def test_ceiling_covers_every_tier_that_can_be_reached() -> None:
    price = PriceBook().price("anthropic", "claude-haiku-5-5", MONDAY_NOON)
    assert price is not None
    assert tuple(map(usd, price.ceiling(1000))) == (Decimal("0.125"), Decimal("0.5"))
    assert tuple(map(usd, price.ceiling(100_001))) == (Decimal("0.625"), Decimal("2.5"))


@given(
    input_tokens=st.integers(0, 300_000),
    cached_share=st.floats(0, 1),
    written_share=st.floats(0, 1),
    output=st.integers(0, 9_000),
    slack=st.integers(0, 1000),
)
def test_no_cost_is_over_the_ceiling(
    input_tokens: int, cached_share: float, written_share: float, output: int, slack: int
) -> None:
    price = PriceBook().price("openai", "gpt-6-luna", MONDAY_NOON)
    assert price is not None
    cached = int(input_tokens * cached_share)
    written = int((input_tokens - cached) * written_share)
    most_input, most_output = price.ceiling(input_tokens + slack)
    bill = price.cost_atto(Usage(input_tokens, output, cached, written))
    assert bill <= input_tokens * most_input + output * most_output


def test_model_without_a_price_is_not_free() -> None:
    book = PriceBook()
    assert book.knows("openrouter", "openai/gpt-oss-20b:free")
    assert book.price("openrouter", "openai/gpt-oss-20b:free", MONDAY_NOON) is None


def test_unknown_model_has_no_price() -> None:
    book = PriceBook()
    assert book.price("openai", "gpt-nobody", MONDAY_NOON) is None
    assert book.price("nobody", "gpt-4o", MONDAY_NOON) is None


def test_resellers_fee_is_added_to_the_catalogue_price() -> None:
    offer = ("openrouter", "deepseek/deepseek-v4-flash", MONDAY_NOON)
    bare, fee = PriceBook().price(*offer), PriceBook(fees={"openrouter": Fraction("0.055")}).price(*offer)
    assert bare is not None
    assert fee is not None
    assert Fraction(fee.rates(0).output, bare.rates(0).output) == Fraction("1.055")


def test_override_bears_no_fee() -> None:
    own = flat_price("0.10", "0.20", "0.01")
    book = PriceBook({"openrouter/x": own}, {"openrouter": Fraction("0.055")})
    assert book.price("openrouter", "x", MONDAY_NOON) is own
    assert own.source == "override"


def test_missing_prices_are_those_of_input() -> None:
    assert flat_price("2", "3").rates(0) == Rates(2 * MTOK, 2 * MTOK, 2 * MTOK, 3 * MTOK)


def test_local_server_costs_nothing() -> None:
    assert PriceBook().price("local", "llama", MONDAY_NOON) is LOCAL
    assert PriceBook(free_providers=frozenset({"mybox"})).price("mybox", "qwen", MONDAY_NOON) is LOCAL
    assert LOCAL.cost_atto(Usage(10**6, 10**6)) == 0


def test_cache_counted_twice_makes_no_negative_cost() -> None:
    assert flat_price("1", "1", "0").cost_atto(Usage(10, 0, cached_tokens=10, cache_write_tokens=10)) == 10 * MTOK


def test_deepseeks_cache_hits_are_billed_as_hits() -> None:
    price = flat_price("0.14", "0.28", "0.0028")
    cost = price.cost_atto(Usage(1000, 220, cached_tokens=900))
    assert Money.from_atto(cost) == Money.usd("0.00007812")


def test_list_price_is_openais() -> None:
    price = PriceBook().list_price("gpt-4o", MONDAY_NOON)
    assert price is not None
    assert Money.from_atto(price.cost_atto(Usage(1200, 240))) == Money.usd("0.0054")


def test_context_lengths_are_the_catalogues() -> None:
    book = PriceBook()
    assert book.context_tokens("openai", "gpt-4o") == 128_000
    assert book.context_tokens("mistral", "mistral-small-latest") is None
    assert book.context_tokens("nobody", "x") is None


def test_bare_name_is_sold_by_providers_with_exactly_that_name() -> None:
    book = PriceBook()
    have = {"openai", "gemini", "deepseek", "anthropic"}.__contains__
    assert book.sellers("gpt-4o", have) == ("openai",)
    assert book.sellers("gpt-4o-2024-11-20", have) == ("openai",)
    assert book.sellers("gpt-4o", {"gemini"}.__contains__) == ()
    assert book.sellers("deepseek-v4-flash-and-more", have) == ()


def test_geminis_api_does_not_sell_claude() -> None:
    assert not PriceBook().knows("gemini", "claude-haiku-4-5")
    assert PriceBook().sellers("claude-haiku-4-5", {"gemini", "anthropic"}.__contains__) == ("anthropic",)


TIERED = Price(((0, Rates(1, 2, 3, 4)), (100, Rates(9, 5, 6, 7)), (200, Rates(5, 10, 11, 12))))


def test_tier_begins_above_its_start() -> None:
    assert [TIERED.rates(tokens).input for tokens in (0, 100, 101, 200, 201)] == [1, 1, 9, 9, 5]


def test_ceiling_is_the_maximum_of_input_cache_reads_and_writes() -> None:
    assert [TIERED.ceiling(tokens) for tokens in (99, 100, 200)] == [(3, 4), (9, 7), (11, 12)]


def test_every_kind_of_token_has_its_own_price() -> None:
    usage = Usage(60, 7, cached_tokens=10, cache_write_tokens=20)
    assert TIERED.cost_atto(usage) == 30 * 1 + 10 * 2 + 20 * 3 + 7 * 4


def test_free_tier_is_not_billed_as_the_serving_models_override() -> None:
    book = PriceBook({"openrouter/other": flat_price("9", "9")})
    assert book.served_price(FREE_PRICE, "openrouter", "other", MONDAY_NOON) is FREE_PRICE


def test_newer_catalogue_replaces_prices_within_the_minute() -> None:
    book = PriceBook()
    before = book.price(*FLASH, MONDAY_NOON)
    book._snapshot = None
    assert book.price(*FLASH, MONDAY_NOON) is not before
    assert book.price(*FLASH, MONDAY_NOON) == before


def test_looked_up_names_are_bounded() -> None:
    book = PriceBook()
    for number in range(5000):
        book.knows("openai", f"gpt-{number}-nobody")
    assert len(book._found) < 4200


def catalogue_of(prices: ModelPrice, model: str = "weird") -> DataSnapshot:
    """Return a catalogue in which openrouter sells one model at `prices`."""
    info = ModelInfo(id=model, match=ClauseEquals(equals=model), prices=prices)
    provider = Provider(id="openrouter", name="OpenRouter", api_pattern="", models=[info])
    return DataSnapshot(providers=[provider], from_auto_update=False)


@pytest.fixture
def sell() -> Iterator[Callable[[ModelPrice], PriceBook]]:
    """Return a function that replaces the whole catalogue by one model of openrouter."""

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


def test_name_that_only_begins_like_a_model_has_no_price() -> None:
    book = PriceBook()
    for name in ("claude-haiku-4-5-20251001", "claude-haiku-4-5"):
        assert book.price("anthropic", name, MONDAY_NOON) is not None
    for name in ("claude-haiku-4-5-turbo", "claude-haiku-4-5/../claude-opus-4-8", "my-gemini-2.5-pro-x"):
        assert book.price("anthropic", name, MONDAY_NOON) is None
        assert book.price("gemini", name, MONDAY_NOON) is None
