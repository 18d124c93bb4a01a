"""The pages of /every: the reasons of a pause."""

import pytest

from storage.schedules import scheduled_prompts
from storage.schedules.scheduled_prompts import PausedFor
from tests.bot.commands.conftest import Chat


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (PausedFor.CHOICE, "Paused."),
        (PausedFor.SKIPS, "had to be skipped"),
        (PausedFor.BLOCKED, "had blocked me"),
        (PausedFor.BANNED, "account was closed"),
    ],
)
async def test_paused_one_says_why(chat: Chat, reason: PausedFor, said: str) -> None:
    await chat.say("/every day 8:00 what's new?")
    await chat.press("Save")
    await chat.write(lambda conn: conn.run("UPDATE scheduled_prompts SET state = 'active'"))
    number = (await chat.rows("SELECT id FROM scheduled_prompts"))[0]["id"]
    await chat.write(lambda conn: scheduled_prompts.pause(conn, number, reason))
    await chat.say("/every")
    assert said in await chat.press("1")
