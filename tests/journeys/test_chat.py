import asyncio
from pathlib import Path

import pytest

from sandbox.app import Sandbox
from sandbox.telegram.world import Chat
from tests.journeys.conftest import ANN, BAO, CONFIG, GROUP_ID, OLGA, Journey, started

LONG = "please tell me at length about the sea"
SILENT = ("slow", "keepalive_only")
IMPATIENT = CONFIG.replace("first_token_seconds = 8", "first_token_seconds = 1.5")


async def test_prompt_is_answered_by_the_cheapest_offer_and_charged(journey: Journey) -> None:
    answer = await journey.ask(LONG)
    assert "stand-in for DeepSeek" in answer
    await journey.idle()
    (attempt,) = await journey.rows("SELECT * FROM attempts")
    tokens = attempt["input_tokens"] + attempt["output_tokens"]
    assert attempt["allowance_tokens"] == tokens
    assert attempt["cost_nanousd"] == round(attempt["input_tokens"] * 140 + attempt["output_tokens"] * 280)
    await journey.check_books()


async def test_formatting_arrives_as_entities(journey: Journey) -> None:
    await journey.ask(LONG)
    message = journey.sandbox.world.messages(ANN)[-1]
    assert {"bold", "code", "pre", "text_link"} <= {entity["type"] for entity in message["entities"]}


@pytest.mark.parametrize(
    "mode",
    [
        "down",
        "429",
        "slow",
        "cut",
        "key_refused",
        "garbage",
        "empty",
        "stream_error",
        "money_gone",
        "context_too_long",
        "overloaded",
        "keepalive_only",
    ],
)
async def test_next_offer_answers_after_any_failure(tmp_path: Path, sandbox: Sandbox, mode: str) -> None:
    sandbox.stand_ins.set_mode("deepseek", mode)
    async with started(tmp_path, sandbox, IMPATIENT if mode in SILENT else CONFIG) as journey:
        assert "stand-in for Gemini" in await journey.ask(LONG)
        await journey.idle()
        kept = await journey.rows("SELECT provider FROM attempts WHERE kept")
        assert kept == [{"provider": "gemini"}]
        await journey.check_books()


async def test_refusal_is_an_answer(journey: Journey) -> None:
    journey.sandbox.stand_ins.set_mode("deepseek", "blocked")
    assert "can't help" in await journey.ask(LONG)
    await journey.idle()
    assert [row["outcome"] for row in await journey.rows("SELECT outcome FROM attempts")] == ["answered"]


async def test_missing_usage_is_estimated_and_marked(journey: Journey) -> None:
    journey.sandbox.stand_ins.set_mode("deepseek", "no_usage")
    await journey.ask(LONG)
    await journey.idle()
    (attempt,) = await journey.rows("SELECT * FROM attempts")
    assert attempt["estimated"]
    assert attempt["output_tokens"] > 0
    await journey.check_books()


async def test_with_all_providers_down_the_user_gets_an_error_and_no_charge(journey: Journey) -> None:
    for name in ("deepseek", "gemini", "anthropic", "openai"):
        journey.sandbox.stand_ins.set_mode(name, "down")
    assert "No provider can answer" in await journey.ask(LONG)
    await journey.idle()
    assert await journey.rows("SELECT * FROM holds WHERE state = 'captured'") == []
    await journey.check_books()


@pytest.mark.usefixtures("no_early_attempts")
async def test_five_failures_open_the_breaker_and_stop_calls(journey: Journey) -> None:
    journey.sandbox.stand_ins.set_mode("deepseek", "down")
    for number in range(7):
        await journey.ask(f"{LONG} {number}")
    assert journey.sandbox.stand_ins.provider("deepseek").calls == 5
    assert journey.container.market.health.state("deepseek").state == "open"


async def test_update_delivered_twice_is_answered_once(journey: Journey) -> None:
    await journey.ask(LONG)
    await journey.idle()
    first = min(journey.sandbox.world.updates._all)
    journey.sandbox.world.updates.repeat(first)
    await journey.ask("/help")
    await journey.idle()
    assert len(await journey.rows("SELECT * FROM holds WHERE state = 'captured'")) == 1


async def test_conversation_is_remembered_until_new(journey: Journey) -> None:
    await journey.ask("my name is Ann and I like long walks")
    await journey.ask("what is my name? answer at length")
    await journey.ask("/new")
    await journey.ask(LONG)
    inputs = [row["input_tokens"] for row in await journey.rows("SELECT input_tokens FROM attempts ORDER BY id")]
    assert inputs[1] > inputs[2]


async def test_drafts_grow_and_end_with_the_answer(journey: Journey) -> None:
    await journey.ask(LONG)
    await journey.idle()
    drafts = [params for name, params in journey.sandbox.world.calls if name == "sendMessageDraft"]
    assert drafts[0]["text"] == ""
    assert drafts[0]["can_stop"] == "true"
    assert len(drafts) > 1
    assert journey.sandbox.world.chats[ANN].drafts == {}


async def test_stop_keeps_and_charges_the_delivered_part(journey: Journey) -> None:
    journey.sandbox.stand_ins._word_seconds = 0.05
    journey.sandbox.world.say(ANN, ANN, LONG)
    while not any(draft["text"] for draft in journey.sandbox.world.chats[ANN].drafts.values()):
        await asyncio.sleep(0.01)
    (draft_id,) = journey.sandbox.world.chats[ANN].drafts
    journey.sandbox.world.stop_draft(ANN, draft_id)
    await journey.sandbox.world.wait_message(ANN, lambda _: True)
    await journey.idle()
    (attempt,) = await journey.rows("SELECT * FROM attempts")
    assert (attempt["outcome"], attempt["kept"]) == ("stopped", 1)
    await journey.check_books()


async def test_group_answer_grows_by_edits(journey: Journey) -> None:
    answer = await journey.ask("/ask what is tea made of, at length?", BAO, GROUP_ID)
    assert "stand-in" in answer
    assert not any(name == "sendMessageDraft" for name, _ in journey.sandbox.world.calls)


async def test_bot_ignores_other_messages_in_a_group(journey: Journey) -> None:
    journey.sandbox.world.say(GROUP_ID, ANN, "nice weather")
    await journey.ask("/help")
    assert all(message["from"]["id"] != 424242 for message in journey.sandbox.world.messages(GROUP_ID))


async def test_forty_users_at_once_are_all_answered_and_the_audit_passes(journey: Journey) -> None:
    journey.sandbox.stand_ins.set_mode("gemini", "down")
    world = journey.sandbox.world
    for number in range(40):
        user = 5000 + number
        world.users[user] = {"id": user, "is_bot": False, "first_name": f"U{number}"}
        world.chats[user] = Chat(user, "private", f"U{number}", (user,))
    answers = await asyncio.gather(*(journey.ask(LONG, 5000 + number) for number in range(40)))
    assert all("stand-in" in answer for answer in answers)
    await journey.idle()
    await journey.check_books()


async def test_unanswered_prompt_is_answered_after_a_crash(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.stand_ins._word_seconds = 1.0
    async with started(tmp_path, sandbox) as first:
        sandbox.world.say(ANN, ANN, LONG)
        while not sandbox.stand_ins.provider("deepseek").streams:
            await asyncio.sleep(0.01)
        await first.bot.quiet()
        await first.container.gateway.close(0)
    sandbox.stand_ins._word_seconds = 0.001
    async with started(tmp_path, sandbox) as second:
        message = await sandbox.world.wait_message(ANN, lambda message: "stand-in" in message.get("text", ""))
        assert message
        await second.idle()
        assert len(await second.rows("SELECT * FROM holds WHERE state = 'captured'")) == 1
        await second.check_books()


async def test_admin_commands_do_not_exist_for_others(journey: Journey) -> None:
    unknown = await journey.ask("/nosuchthing")
    assert await journey.ask("/providers") == unknown
    assert "Providers" in await journey.ask("/providers", OLGA)


async def test_long_paste_in_several_messages_is_one_prompt(journey: Journey) -> None:
    parts = ["tea " * 1024, "sea " * 1024, "at length please"]
    for part in parts:
        journey.sandbox.world.say(ANN, ANN, part)
    await journey.sandbox.world.wait_message(ANN, lambda message: "stand-in" in message.get("text", ""))
    await journey.idle()
    asked = await journey.rows("SELECT parts FROM messages WHERE role = 'user'")
    assert len(asked) == 1
    assert all(part.strip() in asked[0]["parts"] for part in parts)
    assert await journey.rows("SELECT * FROM inbox WHERE state <> 'done'") == []


STRANGE: tuple[tuple[str, dict[str, object]], ...] = (
    ("message", {"sticker": {"file_id": "s", "file_unique_id": "s", "type": "regular", "width": 1, "height": 1}}),
    ("message", {"location": {"latitude": 1.0, "longitude": 2.0}}),
    ("message", {"text": "\x00\x1b\u202e", "entities": []}),
    ("message", {"text": "/", "entities": [{"type": "bot_command", "offset": 0, "length": 1}]}),
    ("message", {"caption": "no picture"}),
    ("message", {}),
    ("edited_message", {"text": "edited"}),
    ("channel_post", {"text": "posted"}),
    ("callback_query", {"id": "1", "chat_instance": "1"}),
    ("my_chat_member", {}),
    ("nobody_knows_this_kind", {"x": 1}),
)


async def test_next_question_is_answered_after_any_update(journey: Journey) -> None:
    ann, chat = journey.sandbox.world.users[ANN], {"id": ANN, "type": "private", "first_name": "Ann"}
    journey.sandbox.world.updates.allowed = None
    for kind, more in STRANGE:
        content = {
            "message_id": 1,
            "date": 1_700_000_000,
            "from": ann,
            **({} if "chat_instance" in more else {"chat": chat}),
        }
        journey.sandbox.world.updates.push(kind, {**content, **more})
    journey.sandbox.world.say(ANN, ANN, LONG)
    assert await journey.sandbox.world.wait_message(ANN, lambda message: "stand-in" in message.get("text", ""))
    await journey.idle()
    await journey.check_books()


async def test_blocking_user_is_marked_until_the_bot_is_unblocked(journey: Journey) -> None:
    await journey.ask("/help")
    ann, bot = journey.sandbox.world.users[ANN], journey.sandbox.world.bot
    for status in ("kicked", "member"):
        member = {"user": bot, "status": status} | ({"until_date": 0} if status == "kicked" else {})
        change = {"from": ann, "chat": {"id": ANN, "type": "private"}, "date": 1}
        old = {"user": bot, "status": "member"}
        journey.sandbox.world.updates.push(
            "my_chat_member", change | {"old_chat_member": old, "new_chat_member": member}
        )
        await asyncio.sleep(0)
        while journey.sandbox.world.updates.pending:
            await asyncio.sleep(0.01)
        await journey.idle()
        (tenant,) = await journey.rows("SELECT blocked FROM tenants WHERE telegram_user_id = :id", id=ANN)
        assert bool(tenant["blocked"]) == (status == "kicked")
