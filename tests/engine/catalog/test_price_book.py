from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from genai_prices import Usage as TheirUsage
from genai_prices import calc_price
from hypothesis import given
from hypothesis import strategies as st

from engine.catalog.free_tiers import FREE_PRICE
from engine.catalog.offers import LOCAL, flat_price
from engine.catalog.price_book import PriceBook
from engine.chat import Usage
from engine.money import Money

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


def test_local_server_costs_nothing() -> None:
    assert PriceBook().price("local", "llama", MONDAY_NOON) is LOCAL
    assert PriceBook(free_providers=frozenset({"mybox"})).price("mybox", "qwen", MONDAY_NOON) is LOCAL
    assert LOCAL.cost_atto(Usage(10**6, 10**6)) == 0


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


def test_name_that_only_begins_like_a_model_has_no_price() -> None:
    book = PriceBook()
    for name in ("claude-haiku-4-5-20251001", "claude-haiku-4-5"):
        assert book.price("anthropic", name, MONDAY_NOON) is not None
    for name in ("claude-haiku-4-5-turbo", "claude-haiku-4-5/../claude-opus-4-8", "my-gemini-2.5-pro-x"):
        assert book.price("anthropic", name, MONDAY_NOON) is None
        assert book.price("gemini", name, MONDAY_NOON) is None


def test_own_server_sells_only_the_models_that_it_lists() -> None:
    book = PriceBook(overrides={"mybox/priced": LOCAL}, free_providers=frozenset({"mybox"}))
    assert (book.knows("mybox", "priced"), book.knows("mybox", "qwen")) == (True, False)
    book.listed["mybox"] = frozenset({"qwen"})
    assert (book.knows("mybox", "qwen"), book.knows("mybox", "qwen2"), book.knows("other", "qwen")) == (
        True,
        False,
        False,
    )
