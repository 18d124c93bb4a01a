"""Paid answers arrive without their thread, in private, or later; otherwise their charge is given back."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from sandbox.providers.wording import ENGLISH
from sandbox.telegram.world import Message, World
from storage.telegram import outbox, undelivered
from tests.journeys.conftest import ANN, BAO, GROUP_ID, Journey

LONG = "please tell me at length about the sea"
ASK = "/ask please tell me at length about the sea"


async def until_shown(journey: Journey, chat: int) -> None:
    """Wait until a preview shows some of the answer."""
    async with asyncio.timeout(60):
        while not any(shown(journey, chat)):
            await asyncio.sleep(0.005)


def shown(journey: Journey, chat: int) -> list[str]:
    calls = [params for name, params in journey.sandbox.world.calls if str(params.get("chat_id")) == str(chat)]
    return [text for params in calls if (text := str(params.get("text", ""))) not in {"", "…"}]


def delete_topic(world: World, thread: int) -> None:
    """Delete a topic of the group with its messages, so that messages to it are refused."""
    group = world.chats[GROUP_ID]
    group.threads.discard(thread)
    for gone in [n for n, message in group.messages.items() if message.get("message_thread_id") == thread]:
        del group.messages[gone]


async def until_asked(journey: Journey) -> None:
    async with asyncio.timeout(60):
        while not journey.sandbox.stand_ins.provider("deepseek").calls:
            await asyncio.sleep(0.005)


async def answer_of(journey: Journey, chat: int) -> Message:
    return await journey.sandbox.world.wait_message(chat, lambda message: "stand-in" in message.get("text", ""))


async def returned(journey: Journey) -> list[Any]:
    return await journey.rows("SELECT * FROM returned_charges")


async def used_tokens(journey: Journey, user: int) -> int:
    sql = "SELECT allowance_used_tokens AS n FROM accounts JOIN tenants ON id = tenant_id WHERE telegram_user_id = :id"
    return int((await journey.rows(sql, id=user))[0]["n"])


async def test_answer_goes_to_the_chat_when_its_topic_was_deleted(journey: Journey) -> None:
    world = journey.sandbox.world
    world.chats[GROUP_ID].threads.add(77)
    world.say(GROUP_ID, BAO, ASK, message_thread_id=77, is_topic_message=True)
    await until_asked(journey)
    delete_topic(world, 77)
    answer = await answer_of(journey, GROUP_ID)
    await journey.idle()
    assert "message_thread_id" not in answer
    assert await returned(journey) == []
    await journey.check_books()


@pytest.mark.parametrize("refusal", ["no_rights", "no_write", "kicked", "restricted", "deleted_at_once"])
async def test_answer_goes_to_the_asker_when_the_group_takes_none(journey: Journey, refusal: str) -> None:
    world = journey.sandbox.world
    world.say(GROUP_ID, ANN, ASK)
    await until_asked(journey)
    world.chats[GROUP_ID].refusal = refusal
    answer = await answer_of(journey, ANN)
    await journey.idle()
    assert answer["text"].startswith("Your answer from Tea room, where I can't write any more:\n\n")
    assert await returned(journey) == []
    await journey.check_books()


async def test_unseen_answer_to_a_user_who_blocked_the_bot_is_given_back_once(journey: Journey) -> None:
    journey.sandbox.world.blocked.add(ANN)
    journey.sandbox.world.say(ANN, ANN, LONG)
    await journey.idle()
    (row,) = await returned(journey)
    assert row["allowance_tokens"] > 0
    assert await used_tokens(journey, ANN) == 0
    now = journey.container.market.clock.now()
    assert not await journey.container.db.write(lambda conn: undelivered.give_up(conn, row["request_id"], now))
    assert await used_tokens(journey, ANN) == 0
    (kept, reversal) = await journey.rows("SELECT * FROM attempts ORDER BY id")
    assert (reversal["outcome"], reversal["allowance_tokens"]) == ("undelivered", -kept["allowance_tokens"])
    assert reversal["waste_nanousd"] == kept["cost_nanousd"] - kept["waste_nanousd"]
    assert await journey.rows("SELECT * FROM messages") == []
    assert [each["state"] for each in await journey.rows("SELECT state FROM questions")] == ["failed"]
    await journey.check_books()


async def test_answer_that_was_read_before_the_bot_was_blocked_is_paid_and_sent_again(journey: Journey) -> None:
    world = journey.sandbox.world
    journey.sandbox.stand_ins._word_seconds = 0.02
    world.say(ANN, ANN, LONG)
    await until_shown(journey, ANN)
    world.block(ANN)
    await journey.idle()
    assert await returned(journey) == []
    assert await used_tokens(journey, ANN) > 0
    assert [each["state"] for each in await journey.rows("SELECT state FROM outbox")] == ["held"]
    world.unblock(ANN)
    await world.wait_message(ANN, lambda message: "could not be delivered" in message.get("text", ""))
    await journey.press("Send it again")
    await answer_of(journey, ANN)
    await journey.press("Send it again")
    await world.wait_message(ANN, lambda message: "sent already" in message.get("text", ""))
    assert sum("stand-in" in message.get("text", "") for message in world.messages(ANN)) == 1
    await journey.check_books()


async def test_asker_who_never_started_the_bot_is_offered_the_answer_at_the_start(journey: Journey) -> None:
    world = journey.sandbox.world
    journey.sandbox.stand_ins._word_seconds = 0.2
    world.chats[ANN].refusal = "not_started"
    world.say(GROUP_ID, ANN, ASK)
    await until_shown(journey, GROUP_ID)
    world.chats[GROUP_ID].refusal = "kicked"
    journey.sandbox.stand_ins._word_seconds = 0.0
    await journey.idle()
    assert await returned(journey) == []
    world.chats[ANN].refusal = ""
    world.say(ANN, ANN, "/start")
    await world.wait_message(ANN, lambda message: "could not be delivered" in message.get("text", ""))
    await journey.press("Send it again")
    await answer_of(journey, ANN)
    await journey.check_books()


async def test_wallet_money_is_given_back(journey: Journey) -> None:
    async with journey.admin() as admin:
        await journey.ask("/start")
        (tenant,) = (await admin.get("/admin/tenants")).json()["data"]
        credit = {"usd": "5", "reason": "test"}
        await admin.post(f"/admin/tenants/{tenant['id']}/credits", json=credit, headers={"idempotency-key": "1"})
        await journey.ask("/model gpt-4o")
        journey.sandbox.world.blocked.add(ANN)
        journey.sandbox.world.say(ANN, ANN, LONG)
        await journey.idle()
        (row,) = await returned(journey)
        assert row["charge_nanousd"] > 0
        assert (await admin.get(f"/admin/tenants/{tenant['id']}")).json()["wallet_usd"] == "5.00"
        assert await journey.rows("SELECT charge_nanousd FROM receipts") == [{"charge_nanousd": 0}]
    await journey.check_books()


async def test_answer_that_was_given_back_is_neither_shown_nor_kept_to_be_sent_again(journey: Journey) -> None:
    await journey.ask("/start")
    journey.sandbox.world.blocked.add(ANN)
    journey.sandbox.world.say(ANN, ANN, LONG)
    await journey.idle()
    (row,) = await returned(journey)
    request_id = row["request_id"]
    assert not await journey.container.db.read(lambda conn: outbox.is_shown(conn, request_id))
    assert await journey.container.db.read(lambda conn: outbox.held(conn, ANN)) == []


async def test_undeliverable_retry_brings_the_answer_before_back(journey: Journey) -> None:
    await journey.ask("/start")
    await journey.ask("My dog is called Rex")
    await journey.idle()
    (before,) = await journey.rows("SELECT state, answer_request_id, answer_message_ids FROM questions")
    said = await journey.rows("SELECT role, parts, request_id FROM messages ORDER BY id")
    journey.sandbox.world.blocked.add(ANN)
    journey.sandbox.world.say(ANN, ANN, "/retry")
    await journey.idle()
    assert len(await returned(journey)) == 1
    assert await journey.rows("SELECT state, answer_request_id, answer_message_ids FROM questions") == [before]
    assert await journey.rows("SELECT role, parts, request_id FROM messages ORDER BY id") == said
    journey.sandbox.world.blocked.clear()
    await journey.ask("/retry")
    await journey.idle()
    (after,) = await journey.rows("SELECT state, answer_request_id FROM questions")
    assert (after["state"], after["answer_request_id"] == before["answer_request_id"]) == ("answered", False)
    await journey.check_books()


@pytest.mark.usefixtures("no_pauses")
async def test_very_long_answer_is_sent_as_a_file_too(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    words = replace(ENGLISH, long="word " * 5200)
    monkeypatch.setattr("sandbox.providers.answers.wording", lambda _: words)
    await journey.ask("/start")
    async with journey.admin() as admin:
        (tenant,) = (await admin.get("/admin/tenants")).json()["data"]
        await admin.put(f"/admin/tenants/{tenant['id']}/plan", json={"plan": "scale"})
    journey.sandbox.world.say(ANN, ANN, LONG)
    file = await journey.sandbox.world.wait_message(ANN, lambda message: "document" in message)
    assert file["document"]["file_name"] == "answer.md"
    assert journey.sandbox.world.files[file["document"]["file_id"]][2].count(b"word ") == 5200
    await journey.check_books()
