from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.holds import Ceiling, Funds, Grant, HoldRequest, Shortfall, fit, settle
from engine.money import ZERO, Money
from engine.tenancy import Charge, Flat, Markup, Tariff

FLAT = Flat(5 * 10**12)  # $5 per 1M tokens
TIMES = Markup(Fraction("1.4"))
CEILING = Ceiling(10**12, 2 * 10**12, 1024)


def hold_request(tariff: Tariff = FLAT, *ceilings: Ceiling, input_tokens: int = 100, n: int = 1) -> HoldRequest:
    return HoldRequest("r", 1, 7, tariff, input_tokens, ceilings or (CEILING,), n)


def grant(hold_request: HoldRequest, funds: Funds) -> Grant:
    sized = fit(hold_request, funds)
    assert isinstance(sized, Grant)
    return sized


def test_the_allowance_pays_first() -> None:
    assert grant(hold_request(), Funds(5000, Money.usd("1"))) == Grant(1124, ZERO, 1124, (1024,))


def test_wallet_covers_the_tokens_beyond_the_allowance() -> None:
    held = grant(hold_request(), Funds(124, Money.usd("1")))
    assert (held.allowance_tokens, held.wallet) == (124, Money.usd("0.005"))


def test_output_limit_shrinks_to_the_funds() -> None:
    assert grant(hold_request(), Funds(300, ZERO)).output_tokens == (200,)


def test_hold_is_refused_under_64_tokens_of_output() -> None:
    sized = fit(hold_request(), Funds(163, ZERO))
    assert isinstance(sized, Shortfall)
    assert sized.missing == Money.usd("0.000005")


def test_request_for_less_than_64_tokens_needs_no_more() -> None:
    assert grant(hold_request(FLAT, Ceiling(1, 1, 10)), Funds(110, ZERO)).output_tokens == (10,)


def test_choices_multiply_the_hold() -> None:
    assert grant(hold_request(n=3), Funds(10**6, ZERO)).tokens == 100 + 3 * 1024


def test_markup_holds_for_the_dearest_quote() -> None:
    dear = Ceiling(10**13, 2 * 10**13, 1024)
    held = grant(hold_request(TIMES, CEILING, dear), Funds(0, Money.usd("1")))
    assert held.wallet == Money.ceil_atto(100 * 10**13 + 1024 * 2 * 10**13, Fraction("1.4"))


def test_markup_hold_counts_the_tokens_of_the_longest_answer_for_the_key() -> None:
    short = Ceiling(10**12, 2 * 10**12, 512)
    assert grant(hold_request(TIMES, short, CEILING), Funds(0, Money.usd("1"))).tokens == 100 + 1024


def test_quote_over_the_funds_is_left_out_alone() -> None:
    dear = Ceiling(10**15, 10**15, 1024)
    assert grant(hold_request(TIMES, CEILING, dear), Funds(0, Money.usd("0.02"))).output_tokens == (1024, 0)


def test_markup_never_touches_the_allowance() -> None:
    assert isinstance(fit(hold_request(TIMES), Funds(10**6, ZERO)), Shortfall)


def test_free_server_needs_no_money() -> None:
    assert grant(hold_request(TIMES, Ceiling(0, 0, 1024)), Funds(0, ZERO)).wallet == ZERO


def test_a_key_limit_bounds_the_tokens() -> None:
    assert grant(hold_request(), Funds(5000, ZERO, key_tokens=200)).output_tokens == (100,)
    short = fit(hold_request(), Funds(5000, ZERO, key_tokens=163))
    assert isinstance(short, Shortfall)
    assert short.key_limited


def test_spare_allowance_pays_before_the_wallet() -> None:
    held = grant(hold_request(), Funds(0, Money.usd("1")))
    assert settle(FLAT, held, 500, 0, 200) == Charge(Money.usd("0.0015"), 200)


funds = st.builds(
    Funds,
    st.integers(0, 10**5),
    st.builds(Money, st.integers(0, 10**10)),
    st.none() | st.integers(0, 10**5),
)
ceilings = st.lists(
    st.builds(Ceiling, st.integers(0, 10**14), st.integers(0, 10**14), st.integers(1, 9000)),
    min_size=1,
    max_size=4,
)
tariffs = st.builds(Flat, st.integers(0, 10**14)) | st.builds(Markup, st.fractions(0, 3, max_denominator=100))


@given(tariffs, ceilings, st.integers(0, 20_000), st.integers(1, 4), funds)
def test_hold_never_exceeds_the_funds(
    tariff: Tariff, limits: list[Ceiling], input_tokens: int, n: int, there: Funds
) -> None:
    sized = fit(hold_request(tariff, *limits, input_tokens=input_tokens, n=n), there)
    if isinstance(sized, Grant):
        assert sized.wallet <= there.wallet
        assert sized.allowance_tokens <= there.allowance_tokens
        assert there.key_tokens is None or sized.tokens <= there.key_tokens


@given(tariffs, ceilings, funds, st.integers(0, 10**6), st.integers(0, 10**20), st.integers(0, 10**5))
def test_a_charge_never_exceeds_its_hold(
    tariff: Tariff, limits: list[Ceiling], there: Funds, tokens: int, cost_atto: int, spare: int
) -> None:
    sized = fit(hold_request(tariff, *limits), there)
    if isinstance(sized, Grant):
        charge = settle(tariff, sized, tokens, cost_atto, spare)
        assert charge.wallet <= sized.wallet
        assert charge.allowance_tokens <= sized.allowance_tokens + spare


def shortfall(hold_request: HoldRequest, funds: Funds) -> Shortfall:
    sized = fit(hold_request, funds)
    assert isinstance(sized, Shortfall)
    return sized


def test_64_tokens_of_output_are_just_enough() -> None:
    assert grant(hold_request(), Funds(164, ZERO)).output_tokens == (64,)
    assert shortfall(hold_request(), Funds(163, ZERO)).missing == Money.usd("0.000005")
    assert grant(hold_request(), Funds(163, Money.usd("0.000005"))) == Grant(163, Money.usd("0.000005"), 164, (64,))
    assert shortfall(hold_request(), Funds(163, Money.usd("0.000004999"))).missing == Money(1)


def test_64_tokens_of_output_are_just_enough_with_a_markup() -> None:
    needed = Money.ceil_atto(100 * 10**12 + 64 * 2 * 10**12, TIMES.times)
    assert grant(hold_request(TIMES), Funds(0, needed)).output_tokens == (64,)
    short = shortfall(hold_request(TIMES), Funds(0, needed - Money(1)))
    assert (short.missing, short.wallet_only) == (Money(1), True)


def test_shortfall_of_a_flat_tariff_is_not_of_the_wallet_alone() -> None:
    short = shortfall(hold_request(), Funds(0, ZERO))
    assert (short.wallet_only, short.key_limited) == (False, False)
    assert short.missing == Money.ceil_atto(164 * FLAT.atto_per_token)


def test_shortfall_is_of_the_cheapest_quote() -> None:
    dear = Ceiling(10**13, 2 * 10**13, 1024)
    short = shortfall(hold_request(TIMES, dear, CEILING), Funds(0, ZERO))
    assert short.missing == Money.ceil_atto(100 * 10**12 + 64 * 2 * 10**12, TIMES.times)


def test_key_limit_is_reached_only_below_the_least_answer() -> None:
    wallet = Money.usd("1")
    assert grant(hold_request(), Funds(0, wallet, key_tokens=164)).tokens == 164
    short = shortfall(hold_request(), Funds(0, wallet, key_tokens=163))
    assert (short.key_limited, short.missing) == (True, ZERO)
    assert not shortfall(hold_request(), Funds(0, ZERO, key_tokens=164)).key_limited


def test_choices_share_the_limit_of_a_key() -> None:
    assert grant(hold_request(n=2), Funds(5000, ZERO, key_tokens=301)).output_tokens == (100,)


def test_hold_is_made_for_the_quote_with_the_most_output() -> None:
    small = Ceiling(10**12, 2 * 10**12, 70)
    assert grant(hold_request(FLAT, small, CEILING), Funds(5000, ZERO)).tokens == 1124


def test_dearest_quote_counts_only_if_it_is_covered() -> None:
    dear = Ceiling(10**15, 10**15, 1024)
    held = grant(hold_request(TIMES, CEILING, dear), Funds(0, Money.usd("0.02")))
    assert held.wallet == Money.ceil_atto(100 * 10**12 + 1024 * 2 * 10**12, TIMES.times)


def test_input_that_takes_the_whole_wallet_leaves_no_output() -> None:
    free_output = Ceiling(10**12, 0, 1024)
    needed = Money.ceil_atto(100 * 10**12, TIMES.times)
    assert grant(hold_request(TIMES, free_output), Funds(0, needed)).output_tokens == (1024,)
    assert shortfall(hold_request(TIMES, free_output), Funds(0, needed - Money(1))).missing == Money(1)


def test_tariffs_of_zero_need_no_money() -> None:
    assert grant(hold_request(Flat(0)), Funds(0, ZERO)).output_tokens == (1024,)
    assert grant(hold_request(Markup(Fraction(0))), Funds(0, ZERO)).wallet == ZERO


def test_flat_charge_takes_the_held_allowance_then_the_wallet() -> None:
    held = Grant(100, Money.usd("0.005"), 1100, (1000,))
    assert settle(FLAT, held, 80, 0, 0) == Charge(ZERO, 80)
    assert settle(FLAT, held, 300, 0, 0) == Charge(Money.usd("0.001"), 100)
    assert settle(FLAT, held, 9999, 0, 0) == Charge(Money.usd("0.005"), 100)


def test_markup_charge_is_the_cost_by_its_factor_up_to_the_hold() -> None:
    held = Grant(0, Money(10), 0, (1000,))
    assert settle(Markup(Fraction("1.5")), held, 0, 5 * 10**9, 99) == Charge(Money(8))
    assert settle(Markup(Fraction("1.5")), held, 0, 9 * 10**9, 99) == Charge(Money(10))


def test_hold_id_names_the_request_and_its_epoch() -> None:
    assert hold_request().hold_id == "r:1"


def test_least_answer_of_a_shortfall_is_the_smallest_of_the_quotes() -> None:
    short = shortfall(hold_request(FLAT, CEILING, Ceiling(1, 1, 10)), Funds(100, ZERO, key_tokens=110))
    assert (short.missing, short.key_limited) == (Money.ceil_atto(10 * FLAT.atto_per_token), False)


def test_request_is_for_one_choice_and_a_shortfall_of_neither_kind_by_default() -> None:
    assert HoldRequest("r", 1, 7, FLAT, 100, ()).n == 1
    short = Shortfall(ZERO, Funds(0, ZERO))
    assert (short.key_limited, short.wallet_only) == (False, False)


def test_answer_of_one_token_needs_the_funds_for_one() -> None:
    one = Ceiling(10**12, 2 * 10**12, 1)
    assert grant(hold_request(FLAT, one), Funds(101, ZERO)).output_tokens == (1,)
    assert shortfall(hold_request(TIMES, one), Funds(0, ZERO)).missing == Money.ceil_atto(102 * 10**12, TIMES.times)


def test_output_limits_are_whole_tokens() -> None:
    bought = Money(100 * 10**12 // 10**9 + 100 * 2 * 10**12 // 10**9 + 1)
    once = Markup(Fraction(1))
    limits = [
        *grant(hold_request(n=2), Funds(301, ZERO)).output_tokens,
        *grant(hold_request(), Funds(199, Money(5001))).output_tokens,
        *grant(hold_request(once), Funds(0, bought)).output_tokens,
    ]
    assert [(limit, type(limit)) for limit in limits] == [(100, int)] * 3


def test_shortfall_without_a_quote_is_of_the_input() -> None:
    short = shortfall(HoldRequest("r", 1, 7, FLAT, 100, ()), Funds(40, ZERO))
    assert (short.missing, short.funds) == (Money.ceil_atto(60 * FLAT.atto_per_token), Funds(40, ZERO))
    assert shortfall(HoldRequest("r", 1, 7, TIMES, 100, ()), Funds(40, ZERO)).missing == ZERO


def test_allowance_that_covers_the_answer_lacks_no_money_where_the_key_is_limited() -> None:
    assert shortfall(hold_request(), Funds(5000, ZERO, key_tokens=163)).missing == ZERO


def test_quote_whose_input_is_longer_is_left_out_alone() -> None:
    long = replace(CEILING, input_tokens=50_000)
    request = hold_request(FLAT, CEILING, long)
    short = grant(request, Funds(request.input_tokens + 1024, ZERO))
    assert short.output_tokens == (1024, 0)
    whole = grant(request, Funds(100_000, ZERO))
    assert (whole.output_tokens, whole.tokens) == ((1024, 1024), 50_000 + 1024)
