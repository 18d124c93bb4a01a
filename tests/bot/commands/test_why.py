"""/why: the receipt of the last answer."""

import pytest

from bot.commands.why import charged
from engine.errors import Overloaded
from engine.money import Money
from engine.tenancy import Charge
from storage.ledger import transfers
from tests.bot.commands.conftest import BAO, OLGA, Chat
from tests.engine.scripted import whole


async def test_no_answer_has_no_receipt(chat: Chat) -> None:
    assert "so there is no receipt" in await chat.say("/why")


async def test_receipt_names_the_provider_the_charge_and_the_tokens(chat: Chat) -> None:
    await chat.say("/ask a question")
    text = await chat.say("/why")
    for part in (
        "Receipt for auto",
        "0.0075 ¢, paid with 15 tokens of your plan",
        "10 tokens in (0 cached), 5 out.",
        "1. deepseek/m: answered",
    ):
        assert part in text, part


async def test_receipt_is_the_users_own(chat: Chat) -> None:
    await chat.say("/ask a question")
    assert "no receipt" in await chat.say("/why", BAO)


async def test_failed_attempt_is_listed_before_the_answer(chat: Chat) -> None:
    chat.scripts["deepseek"]._scripts = [[Overloaded("busy", status=503)]]
    await chat.say("/ask a question")
    text = await chat.say("/why")
    assert "1. deepseek/m: overloaded (503)" in text
    assert "gemini/m: answered" in text


@pytest.mark.parametrize("show", [False, True])
async def test_costs_are_shown_only_where_the_operator_allows_it(chat: Chat, show: bool) -> None:
    chat.configure(show_costs=show)
    await chat.say("/ask a question")
    text = await chat.say("/why")
    assert ("· cost " in text) == show
    assert ("Planned order, cheapest first" in text) == show


async def test_admin_sees_the_costs(chat: Chat) -> None:
    await chat.say("/ask a question", OLGA)
    assert "· cost " in await chat.say("/why", OLGA)


async def test_markup_model_is_paid_from_the_wallet(chat: Chat) -> None:
    await chat.say("/start")
    now = chat.clock.now()
    await chat.write(lambda conn: transfers.credit(conn, 1, Money.usd("5"), ref="gift", reason="gift", now=now))
    chat.scripts["openai"]._scripts = [whole("words", tokens=(1000, 1000))]
    await chat.say("/model smart")
    await chat.say("/ask a question")
    text = await chat.say("/why")
    assert "¢ from your wallet" in text
    assert "GPT-4o at list price: 1.25 ¢, 42 times as much." in text
    assert "Why more than" not in text
    await chat.check_books()


@pytest.mark.parametrize(
    ("charge", "key"),
    [
        (Charge(Money(1), 5), "why.charge_both"),
        (Charge(Money(1), 0), "why.charge_wallet"),
        (Charge(Money(0), 5), "why.charge_allowance"),
        (Charge(Money(0), 0), "why.charge_free"),
    ],
)
def test_charge_names_each_source(charge: Charge, key: str) -> None:
    class Keys:
        def t(self, key: str, **_: object) -> str:
            return key

    assert charged(Keys(), charge, Money(1)) == key  # type: ignore[arg-type]


async def test_outcomes_are_in_the_readers_language(chat: Chat) -> None:
    chat.scripts["deepseek"]._scripts = [[Overloaded("busy", status=503)]]
    chat.language = "vi"
    await chat.say("/ask a question")
    text = await chat.say("/why")
    assert "1. deepseek/m: quá tải (503)" in text
    assert "gemini/m: đã trả lời" in text


async def test_outcome_of_an_old_receipt_is_shown_as_stored(chat: Chat) -> None:
    await chat.say("/ask a question")
    await chat.write(lambda conn: conn.run("UPDATE receipts SET receipt = replace(receipt, 'answered', 'long_gone')"))
    assert "1. deepseek/m: long gone" in await chat.say("/why")
