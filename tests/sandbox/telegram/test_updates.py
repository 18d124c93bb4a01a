"""Tests of updates by polling: order, age, kinds."""

import asyncio

import pytest

from sandbox.telegram.refusals import TABLE
from sandbox.telegram.world import GROUP_ID
from tests.sandbox.telegram.bot_api import ANN, BAO, Bot, keys, polls


async def test_offset_confirms_everything_before_it(bot: Bot) -> None:
    for text in ("one", "two", "three"):
        bot.world.say(ANN, ANN, text)
    first = await bot.updates()
    assert [update["message"]["text"] for update in first] == ["one", "two", "three"]
    assert [u["message"]["text"] for u in await bot.updates(first[1]["update_id"])] == ["two", "three"]
    assert [u["message"]["text"] for u in await bot.updates(-1)] == ["three"]
    assert await bot.updates(first[2]["update_id"] + 1) == []


@pytest.mark.parametrize(("limit", "got"), [(7, 7), (0, 100), (1000, 100), (-3, 100)])
async def test_at_most_a_hundred_updates_come_at_once(bot: Bot, limit: int, got: int) -> None:
    for number in range(120):
        bot.world.say(ANN, ANN, f"{number}")
    assert len(await bot.call("getUpdates", limit=limit)) == got


async def test_long_poll_waits_for_the_next_update(bot: Bot) -> None:
    polling = asyncio.create_task(bot.call("getUpdates", timeout=50))
    await polls(bot)
    bot.world.say(ANN, ANN, "at last")
    assert (await polling)[0]["message"]["text"] == "at last"


async def test_of_two_pollers_the_first_is_ended(bot: Bot) -> None:
    first = asyncio.create_task(bot.refused("getUpdates", timeout=50))
    await polls(bot)
    second = asyncio.create_task(bot.call("getUpdates", timeout=50))
    assert await first == TABLE["two_pollers"][1]
    bot.world.say(ANN, ANN, "hi")
    assert len(await second) == 1


async def test_only_wanted_kinds_are_kept_and_the_choice_is_remembered(bot: Bot) -> None:
    await bot.call("getUpdates", allowed_updates=["callback_query"])
    bot.world.say(ANN, ANN, "unwanted")
    assert await bot.updates() == []
    await bot.call("getUpdates", allowed_updates=[])
    bot.world.say(ANN, ANN, "wanted")
    assert len(await bot.updates()) == 1


async def test_queries_are_forgotten_after_150_seconds_messages_after_a_day(bot: Bot) -> None:
    message = await bot.call("sendMessage", chat_id=ANN, text="press", reply_markup=keys())
    bot.world.press(ANN, ANN, message["message_id"], "go")
    bot.world.say(ANN, ANN, "hello")
    bot.clock.at += 151
    assert ["message" in update for update in await bot.updates()] == [True]
    bot.clock.at += 24 * 3600
    assert await bot.updates() == []


async def test_updates_are_repeated_once_where_switched_on(bot: Bot) -> None:
    bot.world.updates.twice = True
    bot.world.say(ANN, ANN, "hi")
    (first,) = await bot.updates()
    (again,) = await bot.updates(first["update_id"] + 1)
    assert again == first
    assert await bot.updates(first["update_id"] + 1) == []


async def test_privacy_mode_hides_other_messages_in_a_group(bot: Bot) -> None:
    said = await bot.call("sendMessage", chat_id=GROUP_ID, text="I am here")
    bot.world.say(GROUP_ID, ANN, "nice weather")
    bot.world.say(GROUP_ID, ANN, "/ask who")
    bot.world.say(GROUP_ID, BAO, "and why?", reply_to=said["message_id"])
    texts = [update["message"]["text"] for update in await bot.updates()]
    assert texts == ["/ask who", "and why?"]


async def test_block_is_an_update_and_refuses_messages(bot: Bot) -> None:
    bot.world.block(ANN)
    (update,) = await bot.updates()
    assert update["my_chat_member"]["new_chat_member"]["status"] == "kicked"
    body = await bot.raw("sendMessage", chat_id=ANN, text="hi")
    assert (body["error_code"], body["description"]) == (403, "Forbidden: bot was blocked by the user")
    bot.world.unblock(ANN)
    await bot.call("sendMessage", chat_id=ANN, text="welcome back")


async def test_pending_updates_are_dropped_only_when_asked(bot: Bot) -> None:
    bot.world.say(ANN, ANN, "hi")
    await bot.call("deleteWebhook")
    assert len(await bot.updates()) == 1
    await bot.call("deleteWebhook", drop_pending_updates=True)
    assert await bot.updates() == []
