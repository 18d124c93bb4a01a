"""/limit: the most that one answer, and one day, may cost."""

import pytest

from bot.spending.brake import SpendingLimits
from engine.money import Money
from storage.operations import personal_data
from tests.bot.commands.conftest import ANN, ROOM, Chat


def usd(text: str) -> Money:
    return Money.usd(text)


async def limits(chat: Chat) -> SpendingLimits:
    return SpendingLimits.of((await chat.state()).settings)


async def test_limits_are_shown_with_todays_spending(chat: Chat) -> None:
    await chat.say("tell me about the sea")
    text = await chat.say("/limit")
    for line in ("One answer: no limit", "One day (UTC): no limit", "Spent today: 0.0075 ¢", "API keys"):
        assert line in text


@pytest.mark.parametrize(
    ("words", "language", "answer", "day"),
    [
        ("5¢", "en", "0.05", None),
        ("5 ¢", "en", "0.05", None),
        ("0.04 ¢", "en", "0.0004", None),
        ("answer $1.50", "en", "1.50", None),
        ("$1.50 an answer", "en", "1.50", None),
        ("day $1", "en", None, "1"),
        ("$2 a day", "en", None, "2"),
        ("1,000 a day", "en", None, "1000"),
        ("1,25 $", "vi", "1.25", None),
        ("ngày 1.000 $", "vi", None, "1000"),
        ("20 xu mỗi câu", "vi", "0.20", None),
    ],
)
async def test_limit_is_set_in_words(
    chat: Chat, words: str, language: str, answer: str | None, day: str | None
) -> None:
    chat.language = language
    await chat.say(f"/limit {words}")
    assert await limits(chat) == SpendingLimits(usd(answer) if answer else None, usd(day) if day else None)


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("off", SpendingLimits()),
        ("tắt", SpendingLimits()),
        ("day off", SpendingLimits(answer=usd("0.05"))),
        ("answer off", SpendingLimits(day=usd("1"))),
    ],
)
async def test_limits_are_turned_off_one_by_one_or_together(chat: Chat, words: str, left: SpendingLimits) -> None:
    await chat.say("/limit 5¢")
    await chat.say("/limit day $1")
    await chat.say(f"/limit {words}")
    assert await limits(chat) == left


@pytest.mark.parametrize(
    "words", ["0", "-1", "five", "day", "5¢ 6¢", "answer day 5¢", "20000", "0.0000000001", "off on"]
)
async def test_other_words_change_nothing(chat: Chat, words: str) -> None:
    await chat.say("/limit 5¢")
    assert "I could not read that" in await chat.say(f"/limit {words}")
    assert await limits(chat) == SpendingLimits(answer=usd("0.05"))


async def test_buttons_set_and_remove_limits_in_place(chat: Chat) -> None:
    await chat.say("/limit")
    assert "One answer: 5 ¢" in await chat.press("5 ¢ an answer")
    assert "One day (UTC): $1.00" in await chat.press("$1.00 a day")
    assert await limits(chat) == SpendingLimits(usd("0.05"), usd("1"))
    assert "One answer: no limit" in await chat.press("No limits")
    assert await limits(chat) == SpendingLimits()
    edits = [call.method for call in chat.request.calls if call.method in {"editMessageText", "sendMessage"}]
    assert edits.count("sendMessage") == 1


@pytest.mark.parametrize("amount", ["answer:999", "week:50000000"])
async def test_button_sets_only_what_it_offers(chat: Chat, amount: str) -> None:
    await chat.say("/limit")
    await chat.press_data(f"limit:set:{amount}:{ANN}")
    assert await limits(chat) == SpendingLimits()


async def test_settings_lead_to_the_limits(chat: Chat) -> None:
    await chat.say("/settings")
    assert "One answer: no limit" in await chat.press("Spending limits")


async def test_limits_are_not_shown_in_groups(chat: Chat) -> None:
    await chat.say("/limit 5¢")
    assert "5 ¢" not in await chat.say("/limit", ANN, ROOM)


async def test_limits_are_exported_and_outlive_forget_with_the_wallet(chat: Chat) -> None:
    await chat.say("/limit 5¢")
    tenant, now = (await chat.state()).id, chat.clock.now()
    exported = await chat.read(lambda conn: personal_data.export(conn, tenant, now))
    assert exported["account"]["settings"]["limits"] == {"answer": 50_000_000}
    await chat.write(lambda conn: personal_data.forget(conn, tenant, ANN, now))
    assert await limits(chat) == SpendingLimits(answer=usd("0.05"))
