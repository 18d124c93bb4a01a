from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.spending.brake import AskFirst, Brake, Over, SpendingLimits, shorter_tokens, spent_on
from bot.spending.prices import expected_price
from engine.catalog.offers import Model, Offer, Quote, flat_price
from engine.chat import ChatRequest, Role, says
from engine.holds import Funds
from engine.money import ZERO, Money
from engine.routing.plan import Route
from engine.tenancy import Flat, Markup, Tariff
from tests.bot.commands.conftest import Chat, chat, database, sqlite_template

ASKED = ChatRequest("r", "auto", (says(Role.USER, "tell me about the sea"),))
OFFER = Offer("deepseek", "m")
FLAT, MARKUP = Flat(5 * 10**12), Markup(Fraction(7, 5))
PRICE = flat_price("10", "20")
# 100 tokens in, 400 out: 0.25 cents at the flat price; 1.26 cents at cost x 1.4
QUOTE = Quote(OFFER, PRICE, 100 * 10**13 + 400 * 2 * 10**13, expected_tokens=500, input_tokens=100)
PERSON, TEAM = 1, 2
BRAKE = Brake(ASKED, {PERSON: Funds(0, Money.usd("100"))}, frozenset({TEAM}), SpendingLimits())


def asked_first(brake: Brake, tariff: Tariff = FLAT, payer: int = PERSON) -> AskFirst | None:
    try:
        brake.check(Model("auto", (OFFER,), tariff), Route((QUOTE,), ()), payer)
    except AskFirst as first:
        return first
    return None


@pytest.mark.parametrize(
    ("tariff", "changes", "over"),
    [
        (FLAT, {}, None),
        (MARKUP, {}, None),
        (FLAT, {"wallet": Money.usd("0.0025")}, None),
        (FLAT, {"wallet": Money.usd("0.002499999")}, Over.FUNDS),
        (FLAT, {"wallet": ZERO, "allowance_tokens": 500}, None),
        (FLAT, {"wallet": ZERO, "allowance_tokens": 499}, Over.FUNDS),
        (FLAT, {"wallet": Money.usd("0.001"), "allowance_tokens": 300}, None),
        (FLAT, {"wallet": Money.usd("0.001"), "allowance_tokens": 299}, Over.FUNDS),
        (MARKUP, {"wallet": Money.usd("0.0126"), "allowance_tokens": 0}, None),
        (MARKUP, {"wallet": Money.usd("0.0125"), "allowance_tokens": 10**6}, Over.FUNDS),
        (FLAT, {"limits": SpendingLimits(answer=Money.usd("0.0025"))}, None),
        (FLAT, {"limits": SpendingLimits(answer=Money.usd("0.002"))}, Over.ANSWER),
        (FLAT, {"allowance_tokens": 10**6, "limits": SpendingLimits(answer=Money.usd("0.002"))}, Over.ANSWER),
        (FLAT, {"limits": SpendingLimits(day=Money.usd("1")), "spent": Money.usd("0.9975")}, None),
        (FLAT, {"limits": SpendingLimits(day=Money.usd("1")), "spent": Money.usd("0.998")}, Over.DAY),
        (FLAT, {"limits": SpendingLimits(day=Money.usd("1")), "spent": Money.usd("5")}, Over.DAY),
        (FLAT, {"limits": SpendingLimits(Money.usd("0.001"), Money.usd("0.002"))}, Over.ANSWER),
        (FLAT, {"limits": SpendingLimits(Money.usd("0.002"), Money.usd("0.001"))}, Over.DAY),
        (FLAT, {"wallet": Money.usd("0.0001"), "limits": SpendingLimits(Money.usd("0.001"))}, Over.FUNDS),
        (FLAT, {"wallet": Money.usd("0.001"), "agreed": Money.usd("0.0025")}, None),
        (FLAT, {"wallet": Money.usd("0.001"), "agreed": Money.usd("0.00125")}, None),
        (FLAT, {"wallet": Money.usd("0.001"), "agreed": Money.usd("0.001")}, Over.FUNDS),
    ],
)
def test_brake_asks_over_the_lowest_bound(tariff: Tariff, changes: dict[str, object], over: Over | None) -> None:
    changes = dict(changes)
    funds = Funds(changes.pop("allowance_tokens", 0), changes.pop("wallet", Money.usd("100")))  # type: ignore[arg-type]
    first = asked_first(replace(BRAKE, funds={PERSON: funds}, **changes), tariff)  # type: ignore[arg-type]
    assert (first and first.over) == over


@pytest.mark.parametrize(
    ("funds", "over"),
    [
        (Funds(0, Money.usd("1")), None),
        (Funds(0, Money.usd("1"), share=Money.usd("0.0025")), None),
        (Funds(0, Money.usd("1"), share=Money.usd("0.0024")), Over.SPONSOR),
        (Funds(0, Money.usd("0.001")), Over.SPONSOR),
        (Funds(500, ZERO), None),
        (Funds(500, ZERO, share=Money.usd("0.001")), Over.SPONSOR),
    ],
)
def test_what_a_team_has_left_for_the_asker_is_a_bound_where_it_pays(funds: Funds, over: Over | None) -> None:
    first = asked_first(replace(BRAKE, funds={TEAM: funds}), payer=TEAM)
    assert (first and first.over) == over


def test_own_limit_holds_where_a_team_pays() -> None:
    limits = SpendingLimits(answer=Money.usd("0.002"))
    first = asked_first(replace(BRAKE, funds={TEAM: Funds(0, Money.usd("1"))}, limits=limits), payer=TEAM)
    assert first is not None
    assert first.over is Over.ANSWER


def test_question_names_the_price_and_the_bound() -> None:
    first = asked_first(replace(BRAKE, limits=SpendingLimits(day=Money.usd("0.003")), spent=Money.usd("0.001")))
    assert first is not None
    assert (first.price, first.bound, first.shorter_tokens) == (Money.usd("0.0025"), Money.usd("0.002"), 300)
    assert first.request is ASKED


@pytest.mark.parametrize(
    ("tariff", "bound", "tokens"),
    [
        (FLAT, "0.002", 300),
        (FLAT, "0.00082", 64),
        (FLAT, "0.00081", 0),
        (FLAT, "0", 0),
        (MARKUP, "0.007", 200),
        (MARKUP, "0.0014", 0),
        (FLAT, "1", 400),
    ],
)
def test_shorter_answer_fits_the_bound(tariff: Tariff, bound: str, tokens: int) -> None:
    assert shorter_tokens(Model("auto", (OFFER,), tariff), QUOTE, Money.usd(bound)) == tokens


@given(st.integers(0, 10**8), st.sampled_from([FLAT, MARKUP]))
def test_shorter_answer_never_costs_more_than_the_bound(nanousd: int, tariff: Tariff) -> None:
    tokens = shorter_tokens(Model("auto", (OFFER,), tariff), QUOTE, Money(nanousd))
    cost = 100 * 10**13 + tokens * 2 * 10**13
    shorter = QUOTE._replace(expected_tokens=100 + tokens, expected_atto=cost)
    assert tokens == 0 or expected_price(tariff, shorter) <= Money(nanousd)


__all__ = ["chat", "database", "sqlite_template"]


@pytest.mark.parametrize(
    "limits",
    [
        SpendingLimits(),
        SpendingLimits(answer=Money(1)),
        SpendingLimits(day=Money.usd("2")),
        SpendingLimits(Money.usd("0.05"), Money.usd("1")),
    ],
)
async def test_limits_are_stored_with_the_tenant(chat: Chat, limits: SpendingLimits) -> None:
    await chat.say("/start")
    state = await chat.state()
    await chat.write(lambda conn: SpendingLimits(Money(7), Money(8)).store(conn, state.id))
    await chat.write(lambda conn: limits.store(conn, state.id))
    assert SpendingLimits.of((await chat.state()).settings) == limits


async def test_plan_tokens_and_wallet_money_count_as_spent(chat: Chat) -> None:
    await chat.say("/start")
    tenant, catalog, today = (await chat.state()).id, chat.services.market.catalog, chat.clock.now().date()
    assert await chat.read(lambda conn: spent_on(conn, catalog, tenant, today)) == ZERO
    await chat.say("tell me about the sea")
    tokens = (await chat.rows("SELECT SUM(allowance_tokens) AS n FROM attempts WHERE kept"))[0]["n"]
    assert tokens
    assert await chat.read(lambda conn: spent_on(conn, catalog, tenant, today)) == Money(tokens * 5000)
