"""Tests of Telegram's rate limits."""

from sandbox.telegram.world import GROUP_ID
from tests.sandbox.telegram.bot_api import ANN, BAO, Bot


async def test_flooding_a_chat_is_answered_429_and_calls_inside_the_ban_prolong_it(bot: Bot) -> None:
    bodies = [await bot.raw("sendMessage", chat_id=ANN, text=f"{n}") for n in range(9)]
    assert [body["ok"] for body in bodies] == [True] * 8 + [False]
    first = bodies[-1]["parameters"]["retry_after"]
    assert bodies[-1]["description"] == f"Too Many Requests: retry after {first}"
    again = await bot.raw("sendMessage", chat_id=ANN, text="again")
    assert again["parameters"]["retry_after"] > first
    await bot.call("sendMessage", chat_id=BAO, text="others are served")
    bot.clock.at += again["parameters"]["retry_after"]
    await bot.call("sendMessage", chat_id=ANN, text="calm again")


async def test_drafts_and_actions_share_a_budget_of_20_in_5_seconds(bot: Bot) -> None:
    for n in range(19):
        await bot.call("sendMessageDraft", chat_id=ANN, draft_id=1, text=f"{n}")
    await bot.call("sendChatAction", chat_id=ANN, action="typing")
    assert (await bot.raw("sendMessageDraft", chat_id=ANN, draft_id=1, text="x"))["error_code"] == 429


async def test_group_takes_20_a_minute_actions_included(bot: Bot) -> None:
    for n in range(19):
        bot.clock.at += 1
        await bot.call("sendMessage", chat_id=GROUP_ID, text=f"{n}")
    await bot.call("sendChatAction", chat_id=GROUP_ID, action="typing")
    assert (await bot.raw("sendMessage", chat_id=GROUP_ID, text="x"))["error_code"] == 429
