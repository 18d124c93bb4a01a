"""/topup: listed amounts, other amounts, and codes."""

import pytest

from bot.commands.topup import AMOUNT_WAIT, amount_of
from engine.json_limits import limit_digits
from engine.money import Money
from storage.tenants import tenant_settings
from storage.tenants.terms import TERMS_VERSION as VERSION
from tests.bot.commands.conftest import ANN, BAO, ROOM, Call, Chat
from tests.processor_time import units_of


@pytest.fixture
async def agreed(chat: Chat) -> Chat:
    """Return a chat with Ann, who has agreed to the terms."""
    await chat.say("/start")
    await chat.write(lambda conn: tenant_settings.agree_terms(conn, 1, VERSION, chat.clock.now()))
    return chat


def invoices(calls: list[Call]) -> list[str]:
    return [call.params["title"] for call in calls if call.method == "sendInvoice"]


async def test_each_amount_has_a_button_with_its_stars(chat: Chat) -> None:
    assert "Top up your wallet (now $0.00)" in await chat.say("/topup")
    labels = [label for label, _ in chat.buttons()]
    assert labels == ["$5.00 · 385 ⭐", "$10.00 · 770 ⭐", "Other amount"]


async def test_button_sends_an_invoice_whose_payload_is_our_order(agreed: Chat) -> None:
    await agreed.say("/topup")
    calls = await agreed.press_data(agreed.button("$5.00"))
    (sent,) = [call.params for call in calls if call.method == "sendInvoice"]
    (order,) = await agreed.rows("SELECT * FROM orders")
    assert (sent["payload"], sent["currency"], sent["chat_id"]) == (order["id"], "XTR", ANN)
    assert "385" in str(sent["prices"])


async def test_button_of_an_amount_that_is_no_longer_offered_is_stale(agreed: Chat) -> None:
    calls = await agreed.press_data(f"topup:pay:{Money.usd('7').nanousd}:{ANN}")
    assert "out of date" in calls[0].text
    assert invoices(calls) == []


@pytest.mark.parametrize("text", ["7.50", "7,50", "$7.50", "7.50 usd", "7.50$"])
async def test_amount_after_the_command_is_invoiced(agreed: Chat, text: str) -> None:
    assert invoices(await agreed.send(f"/topup {text}")) == ["$7.50 for your wallet"]


@pytest.mark.parametrize(
    ("text", "ok"),
    [
        ("0.99", False),
        ("-5", False),
        ("1", True),
        ("７", True),
        ("٥", True),
        ("130", True),
        ("130.01", False),
        ("1.005", False),
    ],
)
async def test_amount_has_bounds_and_whole_cents(agreed: Chat, text: str, ok: bool) -> None:
    calls = await agreed.send(f"/topup {text}")
    assert bool(invoices(calls)) == ok
    assert any("from $1.00 to $130.00" in call.text for call in calls) != ok


async def test_other_amount_is_the_next_message(agreed: Chat) -> None:
    await agreed.say("/topup")
    assert "How much, in US dollars?" in await agreed.press("Other amount")
    assert invoices(await agreed.send("7,50")) == ["$7.50 for your wallet"]
    assert invoices(await agreed.send("7,50")) == []


async def test_question_instead_of_an_amount_is_asked_by_its_button(agreed: Chat) -> None:
    await agreed.say("/topup")
    await agreed.press("Other amount")
    assert "Nothing was asked or charged" in await agreed.say("how tall is Everest?")
    assert "an answer by deepseek" in await agreed.press("Ask it as a question")
    assert "an answer by deepseek" in await agreed.say("and how old?")
    assert invoices(await agreed.send("7,50")) == []


async def test_amount_that_comes_too_late_is_a_question(agreed: Chat) -> None:
    await agreed.say("/topup")
    await agreed.press("Other amount")
    agreed.clock.move(seconds=AMOUNT_WAIT.total_seconds() + 1)
    assert invoices(await agreed.send("7,50")) == []


async def test_agreement_goes_on_with_an_amount_of_ones_own(chat: Chat) -> None:
    await chat.say("/topup 7.50")
    assert invoices(await chat.press_data(chat.button("I agree"))) == ["$7.50 for your wallet"]


async def test_wrong_code_is_refused_and_after_five_the_user_waits(chat: Chat) -> None:
    for _ in range(5):
        assert "That code is not valid." in await chat.say("/topup wrong-code")
    assert "five wrong codes within an hour" in await chat.say("/topup wrong-code")


async def test_code_credits_once_and_a_repeat_says_so(chat: Chat) -> None:
    made = await chat.say("/code 5", 9001)
    code = made.splitlines()[-1]
    assert "$5.00 was added. Your wallet holds $5.00." in await chat.say(f"/topup {code}")
    assert "You have already used that code" in await chat.say(f"/topup {code}")
    assert "That code is not valid." in await chat.say(f"/topup {code}", BAO)
    assert (await chat.state()).wallet == Money.usd("5")
    await chat.check_books()


async def test_topup_in_a_group_points_to_the_private_chat(chat: Chat) -> None:
    assert "send /topup there" in await chat.say("/topup", ANN, ROOM)


@pytest.mark.parametrize("text", ["abc", "ten dollars", "mười đô", "7.5o", "5 EUR", "1e3"])
async def test_text_that_is_no_amount_is_explained_and_not_asked(agreed: Chat, text: str) -> None:
    await agreed.say("/topup")
    await agreed.press("Other amount")
    assert "An amount is a number from $1.00 to $130.00, such as 7.50" in await agreed.say(text)
    assert invoices(await agreed.send("7,50")) == ["$7.50 for your wallet"]


async def test_cancelled_amount_lets_the_next_text_be_a_question(agreed: Chat) -> None:
    await agreed.say("/topup")
    await agreed.press("Other amount")
    calls = await agreed.press_data(agreed.button("Cancel"))
    assert any("Cancelled" in str(call.params) for call in calls)
    assert "an answer by deepseek" in await agreed.say("abc")


@pytest.mark.parametrize(
    ("text", "usd"),
    [
        ("12", "12"),
        ("7.5", "7.5"),
        ("7,50 $", "7.5"),
        ("$ 7.50", "7.5"),
        ("1,000", "1000"),
        ("1.000", "1000"),
        ("1.000,50", "1000.5"),
        ("1,234,567.89", "1234567.89"),
        ("12 đô la", "12"),
        ("0.5", "0.5"),
    ],
)
def test_amount_is_read_with_either_separator(text: str, usd: str) -> None:
    assert amount_of(text) == Money.usd(usd)


@pytest.mark.parametrize("text", ["0.125", "7.5000", "1.2.3", ".", "7,,5", "abc", ""])
def test_number_that_is_no_amount_in_cents_is_not_guessed(text: str) -> None:
    assert amount_of(text) is None


@pytest.mark.parametrize(
    "text", ["0" * 4000 + "x", "." * 4000, "1" + ",000" * 999, "usd" + " " * 4000 + "1 x", "1" * 4096]
)
def test_text_as_long_as_a_message_is_no_amount_and_takes_no_time(text: str) -> None:
    limit_digits()
    assert amount_of(text) is None
    assert units_of(lambda: amount_of(text), 2) < 2
