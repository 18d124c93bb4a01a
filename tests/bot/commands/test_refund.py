"""/refund: Telegram first, then the books."""

import pytest
from telegram.error import BadRequest

from engine.money import Money
from tests.bot.commands.conftest import ANN, OLGA, Chat
from tests.builders import english
from tests.storage.shop import paid, topup_order


async def topped_up(chat: Chat) -> None:
    await chat.say("/start")
    await chat.write(lambda conn: paid(conn, topup_order(conn), "c1"))


async def test_admin_command_is_unknown_to_others(chat: Chat) -> None:
    await topped_up(chat)
    assert "I don't know that command" in await chat.say("/refund c1")
    assert not [call for call in chat.request.calls if call.method == "refundStarPayment"]


@pytest.mark.parametrize("text", ["/refund", "/refund a b"])
async def test_wrong_arguments_show_the_usage(chat: Chat, text: str) -> None:
    assert "Usage: /refund CHARGE_ID" in await chat.say(text, OLGA)


async def test_unknown_charge_id_is_refused(chat: Chat) -> None:
    assert "No payment has that charge id" in await chat.say("/refund nothing", OLGA)


async def test_refund_reaches_telegram_and_the_books(chat: Chat) -> None:
    await topped_up(chat)
    before = (await chat.state()).wallet
    assert "⭐ to Ann?" in await chat.say("/refund c1", OLGA)
    assert (await chat.state()).wallet == before
    assert f"Refunded: {english(before)} was taken from the wallet." in await chat.press("Yes, do it", OLGA)
    (call,) = [call for call in chat.request.calls if call.method == "refundStarPayment"]
    assert (call.params["user_id"], call.params["telegram_payment_charge_id"]) == (ANN, "c1")
    assert (await chat.state()).wallet == Money(0)
    await chat.check_books()


async def test_refusal_by_telegram_books_nothing(chat: Chat) -> None:
    await topped_up(chat)
    before = (await chat.state()).wallet
    chat.request.refusals["refundStarPayment"] = BadRequest("CHARGE_NOT_FOUND")
    await chat.say("/refund c1", OLGA)
    refused = await chat.press("Yes, do it", OLGA)
    assert "Telegram refuses the refund: CHARGE_NOT_FOUND. Nothing was booked." in refused
    assert (await chat.state()).wallet == before


async def test_refund_that_telegram_already_made_is_booked(chat: Chat) -> None:
    await topped_up(chat)
    chat.request.refusals["refundStarPayment"] = BadRequest("CHARGE_ALREADY_REFUNDED")
    await chat.say("/refund c1", OLGA)
    assert "Refunded:" in await chat.press("Yes, do it", OLGA)
    assert (await chat.state()).wallet == Money(0)


async def test_second_refund_of_a_payment_is_not_offered(chat: Chat) -> None:
    await topped_up(chat)
    await chat.say("/refund c1", OLGA)
    await chat.press("Yes, do it", OLGA)
    assert f"refunded already, on {english(chat.clock.now())}." in await chat.say("/refund c1", OLGA)


async def test_refund_of_money_that_was_spent_is_told_with_the_debt(chat: Chat) -> None:
    await topped_up(chat)
    left = (await chat.state()).wallet
    await chat.say("/credit 1 -1", OLGA)
    await chat.press("Yes, do it", OLGA)
    await chat.say("/refund c1", OLGA)
    told = await chat.press("Yes, do it", OLGA)
    assert f"Refunded: {english(left - Money.usd('1'))} was taken from the wallet. $1.00 is owed;" in told
