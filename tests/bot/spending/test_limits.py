import pytest

from bot.spending.limits import SpendingLimits, spent_on
from engine.money import ZERO, Money
from tests.bot.commands.conftest import Chat, chat, database, sqlite_template

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
