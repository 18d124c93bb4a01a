"""Tests of method calls in general."""

from tests.sandbox.telegram.bot_api import ANN, Bot


async def test_get_me_names_the_bot_and_its_abilities(bot: Bot) -> None:
    me = await bot.call("getMe")
    assert me["is_bot"]
    assert me["can_read_all_group_messages"] is False


async def test_methods_are_found_in_any_case_and_by_get(bot: Bot) -> None:
    base = f"{bot.sandbox.telegram_url}/bot{bot.sandbox.token}"
    assert (await bot.http.get(f"{base}/getme")).json()["ok"]
    sent = await bot.http.get(f"{base}/SENDMESSAGE", params={"chat_id": ANN, "text": "hi"})
    assert sent.json()["result"]["text"] == "hi"


async def test_unknown_method_is_not_found(bot: Bot) -> None:
    assert await bot.raw("sendTelepathy") == {"ok": False, "error_code": 404, "description": "Not Found"}


async def test_wrong_token_is_unauthorized(bot: Bot) -> None:
    answer = await bot.http.post(f"{bot.sandbox.telegram_url}/bot1:x/getMe")
    assert answer.json() == {"ok": False, "error_code": 401, "description": "Unauthorized"}
