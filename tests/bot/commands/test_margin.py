"""/margin: sales, costs and the margin."""

from datetime import timedelta

import pytest

from bot.commands.margin import MOST_DAYS, MOST_LINES
from engine.money import Money
from storage.database.connection import Connection
from storage.ledger.transfers import credit
from tests.bot.commands.conftest import OLGA, Chat
from tests.builders import english, spent


async def sold(chat: Chat, days: int = 1) -> None:
    await chat.say("/start")

    def unit(conn: Connection) -> None:
        for number in range(days):
            at = chat.clock.now() - timedelta(days=number)
            spent(1, Money.usd("0.50"), at, request_id=f"r{number}", cost=Money.usd("0.20"))(conn)

    await chat.write(unit)


async def test_admin_command_is_unknown_to_others(chat: Chat) -> None:
    assert "I don't know that command" in await chat.say("/margin")


@pytest.mark.parametrize("days", ["0", "-1", "x", str(MOST_DAYS + 1), "1.5"])
async def test_wrong_number_of_days_shows_the_usage(chat: Chat, days: str) -> None:
    assert f"Usage: /margin [DAYS ≤ {MOST_DAYS}]" in await chat.say(f"/margin {days}", OLGA)


async def test_time_without_answers_says_so_and_has_no_picture(chat: Chat) -> None:
    calls = await chat.send("/margin", OLGA)
    assert "No answers in this time." in calls[-1].text
    assert [call.method for call in calls] == ["sendMessage"]


@pytest.mark.parametrize(
    ("days", "title"), [("", "Margin over 7 days"), (" 1", "Margin over 1 day"), (" 365", "Margin over 365 days")]
)
async def test_margin_is_sales_less_costs(chat: Chat, days: str, title: str) -> None:
    await sold(chat)
    calls = await chat.send(f"/margin{days}", OLGA)
    text = calls[-1].text
    assert text.startswith(title)
    assert "Charged 50 ¢" in text
    assert "cost 20 ¢" in text
    assert "= 30 ¢" in text
    assert "By model\ndeepseek/deepseek-v4-flash: 1 answer, 50 ¢ − 20 ¢ = 30 ¢ · 60.0 % of sales" in text
    assert f"By day\n{english(chat.clock.now())}: 1 answer, 50 ¢" in text
    assert [call.method for call in calls] == ["sendPhoto"]


async def test_press_changes_picture_and_text_in_one_message(chat: Chat) -> None:
    await sold(chat)
    await chat.say("/margin", OLGA)
    calls = await chat.press_data(chat.button("30 days"), OLGA)
    assert [call.method for call in calls] == ["answerCallbackQuery", "editMessageMedia"]


async def test_models_are_totalled_over_the_days(chat: Chat) -> None:
    await sold(chat, 3)
    assert "deepseek/deepseek-v4-flash: 3 answers, $1.50 − 60 ¢ = 90 ¢" in await chat.say("/margin", OLGA)


async def test_gifts_are_shown_apart_from_the_liability(chat: Chat) -> None:
    await sold(chat)
    assert "Given by operators" not in await chat.say("/margin", OLGA)
    await chat.write(lambda conn: credit(conn, 1, Money.usd("3"), ref="gift", reason="", now=chat.clock.now()))
    text = await chat.say("/margin", OLGA)
    assert "Given by operators or by codes, and not used yet: $3.00." in text
    assert "Not yet earned: $0.00" in text


async def test_days_are_counted_with_today(chat: Chat) -> None:
    await sold(chat, 8)
    assert "Charged $3.50" in await chat.say("/margin 7", OLGA)


async def test_more_lines_than_fit_are_counted(chat: Chat) -> None:
    await sold(chat, MOST_LINES)
    assert "more; the CSV" not in await chat.say("/margin 30", OLGA)
    await chat.write(spent(1, Money.usd("1"), chat.clock.now() - timedelta(days=MOST_LINES), request_id="more"))
    assert "… and 1 more; the CSV file has them all." in await chat.say("/margin 30", OLGA)


async def test_buttons_show_other_spans_and_the_table(chat: Chat) -> None:
    await sold(chat)
    await chat.say("/margin", OLGA)
    assert "Margin over 90 days" in await chat.press("90 days", OLGA)
    calls = await chat.press_data(chat.button("CSV"), OLGA)
    ((name, table),) = [item for call in calls for item in call.files.items()]
    today = chat.clock.now().date()
    assert name == f"margin-{today - timedelta(days=89)}-{today}.csv"
    assert b"deepseek-v4-flash" in table
