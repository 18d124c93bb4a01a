"""/credit: the confirmation, and the booking, also of negative amounts."""

import pytest

from engine.money import Money
from storage.operations import operator_log
from tests.bot.commands.conftest import ANN, OLGA, Chat


@pytest.mark.parametrize("amount", ["0", "-0.00", "abc", "1000000.01", "-1000000.01", "0.0000000001"])
async def test_wrong_amount_is_explained(chat: Chat, amount: str) -> None:
    await chat.say("/start")
    assert "is not an amount" in await chat.say(f"/credit 1 {amount}", OLGA)
    assert (await chat.state()).wallet == Money(0)


async def test_credit_is_booked_once_it_is_confirmed(chat: Chat) -> None:
    await chat.say("/start")
    assert await chat.say("/credit 1 2.50", OLGA) == "Add $2.50 to Ann's wallet? It holds $0.00 now."
    assert (await chat.state()).wallet == Money(0)
    for _ in range(2):
        assert await chat.press("Yes, do it", OLGA) == "Credited. Ann's wallet holds $2.50."
    assert (await chat.state()).wallet == Money.usd("2.50")
    await chat.check_books()


async def test_cancelled_credit_is_not_booked(chat: Chat) -> None:
    await chat.say("/start")
    await chat.say("/credit 1 5", OLGA)
    assert await chat.press("Cancel", OLGA) == "Nothing was changed."
    assert (await chat.state()).wallet == Money(0)


async def test_two_credits_of_one_amount_are_two(chat: Chat) -> None:
    await chat.say("/start")
    for _ in range(2):
        await chat.say("/credit 1 5", OLGA)
        await chat.press("Yes, do it", OLGA)
    assert (await chat.state()).wallet == Money.usd("10")


async def test_part_of_a_debit_that_the_wallet_lacks_is_owed(chat: Chat) -> None:
    await chat.say("/start")
    await chat.say("/credit 1 5", OLGA)
    await chat.press("Yes, do it", OLGA)
    assert "Take $7.00 from Ann's wallet? It holds $5.00 now" in await chat.say("/credit 1 -7", OLGA)
    for _ in range(2):
        assert (
            await chat.press("Yes, do it", OLGA)
            == "Taken. Ann's wallet holds $0.00. $2.00 is owed; the next credit pays it first."
        )
    state = await chat.state()
    assert (state.wallet, state.owed) == (Money(0), Money.usd("2"))
    await chat.check_books()


async def test_largest_amount_fits_its_button(chat: Chat) -> None:
    await chat.say("/start")
    chat.number = 2**31 - 2
    await chat.say("/credit 1 -1000000", OLGA)
    assert "owed" in await chat.press("Yes, do it", OLGA)


async def test_button_of_an_operator_obeys_no_one_else(chat: Chat) -> None:
    await chat.say("/start")
    await chat.say("/credit 1 5", OLGA)
    await chat.press_data(chat.button("Yes, do it"), ANN)
    assert (await chat.state()).wallet == Money(0)


async def test_credit_is_undone_once(chat: Chat) -> None:
    await chat.say("/start")
    await chat.say("/credit Ann 5", OLGA)
    await chat.press("Yes, do it", OLGA)
    for _ in range(2):
        assert await chat.press("Undo", OLGA) == "Taken. Ann's wallet holds $0.00."
    assert (await chat.state()).wallet == Money(0)
    found = await chat.read(lambda conn: operator_log.latest(conn, 5))
    assert [(each.action, each.detail) for each in found] == [("undo: credit", "-5.00"), ("credit", "5.00")]
    await chat.check_books()


async def test_debit_is_undone(chat: Chat) -> None:
    await chat.say("/start")
    await chat.say("/credit Ann -2", OLGA)
    await chat.press("Yes, do it", OLGA)
    await chat.press("Undo", OLGA)
    state = await chat.state()
    assert (state.wallet, state.owed) == (Money(0), Money(0))
    await chat.check_books()


async def test_credit_of_ones_own_wallet_is_named(chat: Chat) -> None:
    await chat.say("/start", OLGA)
    assert "This is your own account." in await chat.say("/credit Olga 5", OLGA)
