"""Scheduled prompts in words: zones, and the heading of a run whose schedule was deleted."""

from zoneinfo import ZoneInfo

import pytest

from bot.scheduled.wording import prompt_words, zone_words
from storage.schedules import scheduled_prompts
from tests.bot.commands.conftest import Chat


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("Asia/Ho_Chi_Minh", "Asia/Ho Chi Minh"),
        ("Etc/GMT-7", "UTC+7"),
        ("Etc/GMT+5", "UTC-5"),
        ("UTC", "UTC"),
    ],
)
def test_zone_is_named_as_people_know_it(key: str, words: str) -> None:
    assert zone_words(ZoneInfo(key)) == words


def test_long_prompt_is_named_by_its_first_words() -> None:
    assert (
        prompt_words("tell me\nall about the `sea` and the mountains behind it")
        == "`tell me all about the sea and the…`"
    )


async def test_answer_of_a_run_keeps_its_heading_when_the_schedule_is_removed(chat: Chat) -> None:
    await chat.say("/every day 8:00 what's new?")
    await chat.press("Save")
    await chat.say("/every")
    await chat.press("1")
    tenant_id = (await chat.state()).id
    await chat.write(lambda conn: conn.run("UPDATE accounts SET allowance_used_tokens = allowance_tokens"))
    assert "Skipped" in await chat.press("Run now")
    await chat.write(lambda conn: conn.run("UPDATE accounts SET allowance_used_tokens = 0"))
    await chat.write(lambda conn: scheduled_prompts.forget(conn, tenant_id))
    assert "⏰ what's new?\n\nan answer by deepseek" in await chat.press("Ask now")
