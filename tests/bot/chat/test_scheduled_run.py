"""Runs of scheduled prompts: answered once in a conversation of their own, or skipped with a word."""

from datetime import timedelta

import pytest

from engine.errors import Overloaded
from engine.money import Money
from storage.database.connection import Connection
from storage.ledger import transfers
from storage.schedules import scheduled_prompts, scheduled_runs
from storage.schedules.scheduled_prompts import PausedFor, ScheduledPrompt, ScheduleState
from storage.teams import members, teams
from storage.telegram import conversation_list, conversations, inbox, questions
from storage.telegram.inbox import NOW as NOW_LANE
from storage.telegram.inbox import IncomingUpdate
from storage.telegram.question_content import QuestionContent
from storage.telegram.questions import Ask, Place
from storage.tenants import tenant_settings
from tests.bot.commands.conftest import ANN, OFFERS, Chat, chat, database, sqlite_template
from tests.bot.scheduled.due import handle, run_due

__all__ = ["chat", "database", "sqlite_template"]


async def made(chat: Chat, words: str = "2 hours what's new?") -> ScheduledPrompt:
    await chat.say(f"/every {words}")
    await chat.press("Save")
    return await schedule_of(chat)


async def schedule_of(chat: Chat) -> ScheduledPrompt:
    tenant_id = (await chat.state()).id
    return (await chat.read(lambda conn: scheduled_prompts.of_tenant(conn, tenant_id)))[-1]


async def spend_allowance(chat: Chat) -> None:
    """Leave the tenant without plan tokens and without money."""
    tenant_id = (await chat.state()).id
    await chat.write(
        lambda conn: conn.run(
            "UPDATE accounts SET allowance_used_tokens = allowance_tokens WHERE tenant_id = :id", id=tenant_id
        )
    )


async def test_due_run_is_answered_and_charged_once(chat: Chat) -> None:
    await made(chat)
    text = await run_due(chat, hours=2)
    assert text == "⏰ Every 2 hours: what's new?\n\nan answer by deepseek"
    assert await run_due(chat, minutes=1) == ""
    assert len(await chat.rows("SELECT * FROM attempts WHERE kept")) == 1
    assert (await schedule_of(chat)).runs == 1
    await chat.check_books()


async def test_run_sees_nothing_of_the_chat_and_the_chat_nothing_of_the_run(chat: Chat) -> None:
    await chat.say("my name is Ann")
    await made(chat)
    await run_due(chat, hours=2)
    sent = chat.scripts["deepseek"].calls[-1].request
    assert [message.text for message in sent.messages if message.role.value == "user"] == ["what's new?"]
    assert "2026-11-24 14:00, time zone UTC" in sent.messages[0].text
    known = await chat.read(lambda conn: conversations.history(conn, ANN, 0))
    assert known[0].text == "my name is Ann"
    assert len(known) == 2
    lines = await chat.read(lambda conn: conversation_list.page(conn, ANN, offset=0, limit=9))
    assert [(line.title, line.is_open) for line in lines] == [("what's new?", False), ("", True)]


async def test_person_goes_on_with_the_conversation_of_a_run(chat: Chat) -> None:
    await made(chat)
    await run_due(chat, hours=2)
    assert "Go on" in await chat.press("Continue")
    await chat.say("tell me more")
    sent = chat.scripts["deepseek"].calls[-1].request
    assert [message.text.strip() for message in sent.messages] == [
        "what's new?",
        "an answer by deepseek",
        "tell me more",
    ]


async def test_answer_stays_when_its_buttons_are_pressed(chat: Chat) -> None:
    await made(chat)
    await run_due(chat, hours=2)
    remove = chat.button("Remove")
    calls = await chat.press_data(chat.button("Pause"))
    assert {call.method for call in calls} == {"sendMessage", "answerCallbackQuery"}
    assert (await schedule_of(chat)).state is ScheduleState.PAUSED
    calls = await chat.press_data(remove)
    assert {call.method for call in calls} == {"sendMessage", "answerCallbackQuery"}


async def test_empty_balance_skips_with_a_word_and_three_in_a_row_pause(chat: Chat) -> None:
    await made(chat)
    await spend_allowance(chat)
    for _ in range(2):
        text = await run_due(chat, hours=2)
        assert "Skipped: your balance does not cover it." in text
        assert "3 skips" not in text
    assert "3 skips in a row, so I paused it" in await run_due(chat, hours=2)
    assert await run_due(chat, hours=2) == ""
    schedule = await schedule_of(chat)
    assert (schedule.state, schedule.paused_for) == (ScheduleState.PAUSED, PausedFor.SKIPS)
    assert await chat.rows("SELECT * FROM holds") == []


@pytest.mark.parametrize("usd", ["0", "0.003"], ids=["empty", "under the price"])
async def test_team_that_does_not_cover_a_run_skips_it_with_the_way_to_the_team(chat: Chat, usd: str) -> None:
    await made(chat)
    await spend_allowance(chat)
    ann, now = (await chat.state()).id, chat.clock.now()

    def unit(conn: Connection) -> None:
        team_id = teams.create(conn, ann, "Tea house", chat.services.free_plan, now)
        assert team_id is not None
        members.set_own_after(conn, team_id, ann, own_after=False)
        if usd != "0":
            transfers.credit(conn, team_id, Money.usd(usd), ref="gift", reason="a gift", now=now)

    await chat.write(unit)
    for _ in range(20):  # the answers so far were long
        chat.services.market.catalog.sizes.learn_output(OFFERS[0], "auto", ann, 2000, (2000, 0))
    text = await run_due(chat, hours=2)
    assert "Skipped: what your team pays for you does not cover it." in text
    assert (await schedule_of(chat)).skips == 1
    assert [row["state"] for row in await chat.rows("SELECT state FROM questions")] == ["refused"]
    assert "Tea house" in await chat.press("Team")


async def test_skipped_run_is_asked_by_its_button_once_it_is_paid(chat: Chat) -> None:
    await made(chat)
    await spend_allowance(chat)
    await run_due(chat, hours=2)
    tenant_id = (await chat.state()).id
    await chat.write(
        lambda conn: transfers.credit(
            conn, tenant_id, Money.usd("5"), ref="gift", reason="a gift", now=chat.clock.now()
        )
    )
    text = await chat.press("Ask now")
    assert "⏰ Every 2 hours: what's new?\n\nan answer by deepseek" in text


async def test_limit_skips_with_a_word_instead_of_a_question(chat: Chat) -> None:
    await made(chat)
    await chat.say("/limit $0.000001 an answer")
    text = await run_due(chat, hours=2)
    assert "Skipped: it would be over your limits." in text
    assert (await schedule_of(chat)).skips == 1


async def test_answered_run_begins_the_count_of_skips_anew(chat: Chat) -> None:
    await made(chat)
    await chat.say("/limit $0.000001 an answer")
    await run_due(chat, hours=2)
    await chat.say("/limit off")
    await run_due(chat, hours=2)
    assert (await schedule_of(chat)).skips == 0


async def test_failure_of_all_providers_is_told_with_a_button(chat: Chat) -> None:
    await made(chat)
    for script in chat.scripts.values():
        script._scripts = [[Overloaded("busy")]]
    text = await run_due(chat, hours=2)
    assert text.startswith("⏰ Every 2 hours: what's new?\n")
    assert (await schedule_of(chat)).skips == 0
    assert any("Ask again" in label for label, _ in chat.buttons())


@pytest.mark.parametrize(("hours", "is_late"), [(5, False), (7, True)])
async def test_run_that_waited_too_long_is_skipped_and_does_not_count(chat: Chat, hours: float, is_late: bool) -> None:
    await made(chat)
    chat.clock.move(hours=2)
    services = chat.services
    await chat.write(lambda conn: scheduled_runs.start_due(conn, services.bot_id, chat.clock.now(), 10))
    chat.clock.move(hours=hours)
    text = await handle(chat)
    assert ("I was not running at that time" in text) is is_late
    assert (await schedule_of(chat)).skips == 0
    if is_late:
        assert "an answer by deepseek" in await chat.press("Run now")


async def test_run_of_a_removed_or_paused_one_is_dropped(chat: Chat) -> None:
    schedule = await made(chat)
    chat.clock.move(hours=2)
    services = chat.services
    await chat.write(lambda conn: scheduled_runs.start_due(conn, services.bot_id, chat.clock.now(), 10))
    await chat.write(lambda conn: scheduled_prompts.pause(conn, schedule.id))
    assert await handle(chat) == ""
    await chat.write(lambda conn: scheduled_prompts.activate(conn, schedule, chat.clock.now()))
    await chat.write(lambda conn: scheduled_runs.start_due(conn, services.bot_id, chat.clock.now(), 10))
    await chat.write(lambda conn: scheduled_prompts.remove(conn, schedule.tenant_id, schedule.id))
    assert await handle(chat) == ""


async def test_run_after_unblocking_waits_for_the_person(chat: Chat) -> None:
    await made(chat)
    await chat.write(lambda conn: tenant_settings.set_blocked(conn, ANN, True))
    assert await run_due(chat, hours=2) == ""
    await chat.write(lambda conn: tenant_settings.set_blocked(conn, ANN, False))
    assert "1. ⏸" in await chat.say("/every")
    await chat.press("1")
    assert "Next: " in await chat.press("Resume")


async def test_runs_of_a_week_come_at_their_local_time(chat: Chat) -> None:
    await chat.say("/timezone berlin")
    await made(chat, "weekday 8:00 what's new?")
    seen = [chat.clock.now() for _ in range(7 * 24) if await run_due(chat, hours=1)]
    assert [f"{each:%a %H:%M}" for each in seen] == [f"{day} 07:00" for day in ("Wed", "Thu", "Fri", "Mon", "Tue")]
    assert (await schedule_of(chat)).next_at == seen[-1] + timedelta(days=1)
    await chat.check_books()


async def test_button_that_is_pressed_twice_asks_once(chat: Chat) -> None:
    schedule = await made(chat)
    bot_id, number = chat.services.bot_id, chat.number + 100

    def other_press(conn: Connection) -> None:
        """Begin a run as another press of the button would, while that run is being answered."""
        inbox.store(conn, bot_id, [IncomingUpdate(number, f"{ANN}:0", NOW_LANE, "{}")], chat.clock.now())
        inbox.claim(conn, bot_id, number, chat.services.lease_id)
        place = Place(bot_id, ANN, 0)
        stored = questions.store(
            conn, schedule.tenant_id, place, QuestionContent("?"), chat.clock.now(), schedule_id=schedule.id
        )
        questions.begin(conn, stored.id, Ask(f"tg:{bot_id}:{number}"), chat.clock.now())

    await chat.write(other_press)
    await chat.say("/every")
    await chat.press("1")
    assert "an answer" not in await chat.press("Run now")
    assert "an answer by deepseek" in await run_due(chat, hours=2)
    await chat.write(lambda conn: conn.run("UPDATE inbox SET state = 'done' WHERE update_id = :id", id=number))
    await chat.say("/every")
    await chat.press("1")
    assert "an answer by deepseek" in await chat.press("Run now")
