"""/usage: tokens and USD by day, model and provider."""

from datetime import timedelta

import pytest

import locales
from bot.commands.usage import MOST_LINES
from bot.formatting.characters import units
from engine.chat import Usage
from engine.money import Money
from storage.database.connection import Connection
from tests.bot.commands.conftest import ANN, BAO, Chat
from tests.builders import english, spent


async def used(chat: Chat, days: int = 1) -> None:
    """Let Ann spend 0.50 USD and 1,500 tokens today, and on each of the days before."""
    await chat.say("/start")

    def unit(conn: Connection) -> None:
        for number in range(days):
            at = chat.clock.now() - timedelta(days=number)
            spent(1, Money.usd("0.50"), at, request_id=f"r{number}", usage=Usage(1000, 500))(conn)

    await chat.write(unit)


async def test_no_usage_says_so_and_has_no_picture(chat: Chat) -> None:
    calls = await chat.send("/usage")
    assert [call.method for call in calls] == ["sendMessage"]
    assert "Nothing yet. Ask me something first." in calls[0].text


async def test_usage_has_totals_lists_and_a_picture(chat: Chat) -> None:
    await used(chat)
    calls = await chat.send("/usage")
    assert calls[0].method == "sendPhoto"
    text = calls[-1].text
    for line in (
        "This period",
        "Answers: 1 · tokens: 1,500 · 50 ¢ from the wallet",
        f"By day\n{english(chat.clock.now())}: 1,500 tokens · 50 ¢",
        "By model\ndeepseek-v4-flash: 1,500 tokens",
        "By provider\ndeepseek: 1,500 tokens",
        "Left: ",
    ):
        assert line in text, line
    assert "from the plan" not in text


async def test_usage_of_others_is_not_shown(chat: Chat) -> None:
    await used(chat)
    assert "Nothing yet" in await chat.say("/usage", BAO)


@pytest.mark.parametrize(("label", "title", "answers"), [("7 days", "Last 7 days", 7), ("30 days", "Last 30 days", 30)])
async def test_span_counts_its_days_with_today(chat: Chat, label: str, title: str, answers: int) -> None:
    await used(chat, 31)
    await chat.say("/usage")
    text = await chat.press(label)
    assert title in text
    assert f"Answers: {answers} " in text


async def test_month_begins_on_its_first_day(chat: Chat) -> None:
    await used(chat, 31)
    await chat.say("/usage")
    assert f"Answers: {chat.clock.now().day} " in await chat.press("Month")


async def test_more_lines_than_fit_are_counted(chat: Chat) -> None:
    await used(chat, MOST_LINES)
    await chat.say("/usage")
    assert "more; the CSV" not in await chat.press("30 days")
    await chat.write(spent(1, Money.usd("1"), chat.clock.now() - timedelta(days=MOST_LINES), request_id="more"))
    assert "… and 1 more; the CSV file has them all." in await chat.press("30 days")


async def test_press_changes_picture_and_text_in_one_message(chat: Chat) -> None:
    await used(chat)
    assert [call.method for call in await chat.send("/usage")] == ["sendPhoto"]
    calls = await chat.press_data(chat.button("30 days"))
    assert [call.method for call in calls] == ["answerCallbackQuery", "editMessageMedia"]
    assert next(iter(calls[1].files.values())).startswith(b"\x89PNG")


async def test_press_without_usage_edits_the_text(chat: Chat) -> None:
    await chat.say("/usage")
    calls = await chat.press_data(chat.button("30 days"))
    assert [call.method for call in calls] == ["answerCallbackQuery", "editMessageText"]


async def test_long_lists_are_shortened_to_a_caption(chat: Chat) -> None:
    await used(chat, 31)

    def unit(conn: Connection) -> None:
        for number in range(12):
            name = f"a-rather-long-model-name-{number}"
            spent(
                1, Money.usd("1"), chat.clock.now(), provider=f"provider-{number}", model=name, request_id=f"m{number}"
            )(conn)

    await chat.write(unit)
    await chat.say("/usage")
    text = await chat.press("30 days")
    assert units(text) <= 1024
    assert text.count("more; the CSV file has them all.") == 3
    assert "Left: " in text


async def test_csv_has_a_year_without_the_costs(chat: Chat) -> None:
    await used(chat)
    await chat.say("/usage")
    calls = await chat.press_data(chat.button("CSV"))
    ((name, table),) = [item for call in calls for item in call.files.items()]
    assert name == "usage.csv"
    assert b"charge_usd" in table
    assert b"cost" not in table


async def test_button_obeys_its_owner_only(chat: Chat) -> None:
    await used(chat)
    calls = await chat.press_data(f"usage:show:7:{ANN}", BAO)
    assert [call.method for call in calls] == ["answerCallbackQuery"]


async def test_plan_tokens_count_at_their_price(chat: Chat) -> None:
    """At 5 USD per 1M tokens for `auto`, 1,000 plan tokens count as half a cent."""
    await chat.say("/start")
    await chat.write(spent(1, Money(0), chat.clock.now(), usage=Usage(900, 100), allowance_tokens=1000))
    text = await chat.say("/usage")
    assert "$0.00 from the wallet · 1,000 tokens from the plan, worth 0.5 ¢" in text
    assert "1,000 tokens · 0.5 ¢" in text


@pytest.mark.parametrize(
    ("words", "title", "answers"),
    [("90", "Last 90 days", 40), ("90 days", "Last 90 days", 40), ("14d", "Last 14 days", 14), ("1", "Today", 1)],
)
async def test_days_after_the_command_are_the_span(chat: Chat, words: str, title: str, answers: int) -> None:
    await used(chat, 40)
    text = await chat.say(f"/usage {words}")
    assert title in text
    assert f"Answers: {answers} " in text


@pytest.mark.parametrize(("language", "word"), [("en", "month"), ("en", "Month"), ("vi", "tháng"), ("vi", "month")])
async def test_month_after_the_command_is_the_span(chat: Chat, language: str, word: str) -> None:
    chat.language = language
    assert locales.text(language, "usage.title_month") in await chat.say(f"/usage {word}")


async def test_csv_after_the_command_is_sent(chat: Chat) -> None:
    await used(chat)
    assert [call.method for call in await chat.send("/usage CSV")] == ["sendDocument"]


@pytest.mark.parametrize("words", ["0", "366", "-7", "1.5", "90 weeks", "a lot", "9" * 400])
async def test_other_words_get_the_words_that_the_command_takes(chat: Chat, words: str) -> None:
    assert "takes a number of days up to 365" in await chat.say(f"/usage {words}")
