"""/every: scheduled prompts made from words, previewed, saved, listed, paused, run and removed."""

from datetime import timedelta

import pytest

from storage.operations import personal_data
from storage.schedules import scheduled_prompts
from storage.schedules.scheduled_prompts import ScheduledPrompt
from tests.bot.commands.conftest import ANN, BAO, ROOM, Chat

DAILY = "/every day 8:00 what's new in AI?"


async def saved(chat: Chat, user: int = ANN) -> list[ScheduledPrompt]:
    tenant_id = (await chat.state(user)).id
    return await chat.read(lambda conn: scheduled_prompts.of_tenant(conn, tenant_id))


async def made(chat: Chat, words: str = DAILY) -> ScheduledPrompt:
    await chat.say(words)
    await chat.press("Save")
    return (await saved(chat))[-1]


async def test_preview_names_the_next_run_before_anything_is_saved(chat: Chat) -> None:
    text = await chat.say(DAILY)
    assert "Every day, 08:00" in text
    assert "what's new in AI?" in text
    assert "Next: Wednesday 25 November, 08:00, UTC" in text
    assert "Which one is yours?" in text
    assert await saved(chat) == []
    assert "Every day, 08:00" in await chat.press("Save")
    (schedule,) = await saved(chat)
    assert schedule.prompt == "what's new in AI?"


async def test_first_one_asks_for_the_time_zone_and_moves_the_preview(chat: Chat) -> None:
    await chat.say(DAILY)
    text = await chat.press("Berlin")
    assert "Next: Wednesday 25 November, 08:00, Europe/Berlin" in text
    assert "Which one is yours?" not in text
    await chat.press("Save")
    (schedule,) = await saved(chat)
    assert f"{schedule.next_at:%Y-%m-%d %H:%M}" == "2026-11-25 07:00"
    assert "Which one is yours?" not in await chat.say("/every monday 9 dinner?")


async def test_cancelled_preview_saves_nothing(chat: Chat) -> None:
    await chat.say(DAILY)
    assert "Nothing was saved" in await chat.press("Cancel")
    assert await saved(chat) == []


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("what's new?", "could not read when"),
        ("day what's new?", "At what time?"),
        ("day 25:00 what's new?", "no such time"),
        ("day 8:00", "what should I ask"),
        ("10 minutes what's new?", "too often: at most once in 1 hour."),
        (f"day 8:00 {'x' * 2001}", "the limit is 2,000"),
    ],
)
async def test_words_that_are_no_schedule_are_refused_with_the_reason(chat: Chat, words: str, answer: str) -> None:
    assert answer in await chat.say(f"/every {words}")
    assert await saved(chat) == []


async def test_vietnamese_words_and_answers(chat: Chat) -> None:
    chat.language = "vi"
    text = await chat.say("/every thứ hai 9 giờ sáng ba món cho bữa tối")
    assert "Thứ Hai hằng tuần, 09:00" in text
    assert "Thứ Hai, 30 tháng 11, 09:00, UTC" in text
    assert "09:00, Asia/Ho Chi Minh" in await chat.press("Hồ Chí Minh")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("weekday 7:30", "Monday to Friday, 07:30"),
        ("weekend 9", "Saturday and Sunday, 09:00"),
        ("mon and thu 9", "Every Monday, Thursday, 09:00"),
        ("1st 9", "Day 1 of each month, 09:00"),
        ("30th 9", "Day 30 of each month (the last day of a shorter one), 09:00"),
        ("last day 9", "Last day of each month, 09:00"),
        ("hour", "Every hour"),
        ("2 hours", "Every 2 hours"),
        ("3 days 9", "Every 3 days, 09:00"),
    ],
)
async def test_rule_is_said_in_words(chat: Chat, words: str, said: str) -> None:
    assert said in await chat.say(f"/every {words} dinner?")


async def test_operator_limits_the_number_and_the_interval(chat: Chat) -> None:
    chat.configure(schedule_most=1, schedule_least_hours=3)
    assert "at most once in 3 hours" in await chat.say("/every 2 hours dinner?")
    await chat.say(DAILY)
    first = chat.button("Save")
    await chat.say("/every monday 9 dinner?")
    await chat.press("Save")
    assert "The limit is 1" in chat._texts(await chat.press_data(first))
    assert "The limit is 1" in await chat.say(DAILY)
    assert len(await saved(chat)) == 1


async def test_list_leads_to_each_with_its_buttons(chat: Chat) -> None:
    assert "For example" in await chat.say("/every")
    await made(chat)
    text = await chat.say("/every")
    assert "1. ⏰ Every day, 08:00" in text
    assert "Next: Wednesday 25 November, 08:00, UTC" in text
    assert "Answered so far: 0" in await chat.press("1")
    assert "Paused" in await chat.press("Pause")
    assert "1. ⏸" in await chat.press("All")
    await chat.press("1")
    chat.clock.move(days=3)
    assert "Next: Saturday 28 November, 08:00" in await chat.press("Resume")


async def test_removal_asks_first(chat: Chat) -> None:
    await made(chat)
    await chat.say("/every")
    await chat.press("1")
    assert "can't be undone" in await chat.press("Remove")
    assert len(await saved(chat)) == 1
    assert "Next: " in await chat.press("Cancel")
    await chat.press("Remove")
    assert "It is removed" in await chat.press("Remove")
    assert await saved(chat) == []


async def test_button_of_a_removed_one_says_so(chat: Chat) -> None:
    schedule = await made(chat)
    await chat.say("/every")
    await chat.press("1")
    buttons = [chat.button(label) for label in ("Run now", "Pause", "Remove")]
    await chat.write(lambda conn: scheduled_prompts.remove(conn, schedule.tenant_id, schedule.id))
    for data in buttons:
        calls = await chat.press_data(data)
        assert "has been removed" in str(calls[-1].params)


async def test_run_now_answers_and_leaves_the_next_run(chat: Chat) -> None:
    schedule = await made(chat)
    await chat.say("/every")
    await chat.press("1")
    text = await chat.press("Run now")
    assert "an answer by deepseek" in text
    assert text.startswith("I'm asking it now.\n⏰ Every day, 08:00: what's new in AI?")
    (after,) = await saved(chat)
    assert (after.next_at, after.runs) == (schedule.next_at, 1)
    await chat.check_books()


async def test_in_a_group_it_points_to_the_private_chat(chat: Chat) -> None:
    assert "private chat" in await chat.say(DAILY, chat=ROOM)
    assert await saved(chat) == []


async def test_another_person_cannot_press_its_buttons(chat: Chat) -> None:
    await chat.say(DAILY)
    calls = await chat.press_data(chat.button("Save"), BAO)
    assert "someone else" in str(calls[-1].params)
    assert await saved(chat) == []


async def test_export_names_it_and_forget_deletes_it(chat: Chat) -> None:
    schedule = await made(chat)
    now = chat.clock.now()
    exported = await chat.read(lambda conn: personal_data.export(conn, schedule.tenant_id, now))
    assert [each["prompt"] for each in exported["scheduled_prompts"]] == ["what's new in AI?"]
    await chat.write(lambda conn: personal_data.forget(conn, schedule.tenant_id, ANN, now + timedelta(hours=1)))
    assert await saved(chat) == []
