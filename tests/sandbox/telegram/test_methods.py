"""Methods of the bot itself, of updates and of webhooks."""

from typing import Any

import pytest

from sandbox.telegram.methods import MOST_CONNECTIONS, USUAL_CONNECTIONS, call
from sandbox.telegram.refusals import TABLE, BotApiError
from sandbox.telegram.world import ADMIN_ID, GROUP_ID, World

HOOK = "https://bot.example/telegram"


@pytest.fixture
def world() -> World:
    return World(lambda: 1000.0)


async def refusal(world: World, method: str, **params: Any) -> str:
    with pytest.raises(BotApiError) as raised:
        await call(world, method, params)
    return raised.value.description


async def test_name_of_a_method_may_have_any_case_and_each_call_is_recorded(world: World) -> None:
    assert (await call(world, "GETME", {}))["username"] == world.bot["username"]
    assert world.calls == [("GETME", {})]
    assert await refusal(world, "sendTelepathy") == TABLE["no_method"][1]


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"url": "http://bot.example/"}, "webhook_https"),
        ({"url": "ftp://127.0.0.1/"}, "webhook_https"),
        ({"url": "https://bot.example:8000/"}, "webhook_port"),
        ({"url": HOOK, "secret_token": "a b"}, "webhook_secret"),
        ({"url": HOOK, "secret_token": "a" * 257}, "webhook_secret_long"),
    ],
)
async def test_wrong_webhook_is_refused(world: World, params: dict[str, str], name: str) -> None:
    assert await refusal(world, "setWebhook", **params) == TABLE[name][1]
    assert world.updates.webhook is None


@pytest.mark.parametrize("url", [HOOK, "https://bot.example:8443/", "http://127.0.0.1:8000/", "http://localhost:1/"])
@pytest.mark.parametrize(
    ("most", "expected"), [(0, USUAL_CONNECTIONS), (7, 7), (MOST_CONNECTIONS + 1, USUAL_CONNECTIONS)]
)
async def test_webhook_is_set_and_shown(world: World, url: str, most: int, expected: int) -> None:
    assert await call(world, "setWebhook", {"url": url, "max_connections": most})
    info = await call(world, "getWebhookInfo", {})
    assert (info["url"], info["max_connections"]) == (url, expected)
    await world.updates.close()


async def test_empty_address_removes_the_webhook_and_drops_updates_on_request(world: World) -> None:
    world.say(1001, 1001, "hello")
    await call(world, "setWebhook", {"url": ""})
    assert (await call(world, "getWebhookInfo", {}))["pending_update_count"] == 1
    await call(world, "deleteWebhook", {"drop_pending_updates": True})
    info = await call(world, "getWebhookInfo", {})
    assert (info["url"], info["pending_update_count"], "max_connections" in info) == ("", 0, False)


async def test_list_of_wanted_updates_is_kept_until_another_one_comes(world: World) -> None:
    await call(world, "getUpdates", {"allowed_updates": '["callback_query"]'})
    world.say(1001, 1001, "hello")
    assert await call(world, "getUpdates", {}) == []
    assert (await call(world, "getWebhookInfo", {}))["allowed_updates"] == ["callback_query"]
    await call(world, "getUpdates", {"allowed_updates": "[]"})
    world.say(1001, 1001, "hello")
    assert len(await call(world, "getUpdates", {})) == 1


async def test_chat_is_shown_also_after_its_user_blocked_the_bot(world: World) -> None:
    world.block(1001)
    assert (await call(world, "getChat", {"chat_id": 1001}))["first_name"] == "Ann"
    assert await refusal(world, "getChat", chat_id=7) == TABLE["no_chat"][1]
    assert await refusal(world, "getChat") == "Bad Request: chat_id is empty"


@pytest.mark.parametrize(("age_seconds", "is_old"), [(150, False), (151, True)])
async def test_query_can_be_answered_for_150_seconds(age_seconds: int, is_old: bool) -> None:
    at = [1000.0]
    world = World(lambda: at[0])
    shown: list[dict[str, Any]] = []
    message = world.post(1001, world.bot, {"text": "a"})
    query = world.press(1001, 1001, message["message_id"], "go")
    world.listeners.add(shown.append)
    at[0] += age_seconds
    if is_old:
        assert await refusal(world, "answerCallbackQuery", callback_query_id=query) == TABLE["old_query"][1]
    else:
        await call(world, "answerCallbackQuery", {"callback_query_id": query, "text": "ok", "show_alert": "true"})
        assert [(each["text"], each["show_alert"], each["user_id"]) for each in shown] == [("ok", True, 1001)]


async def test_member_has_a_status_with_its_rights(world: World) -> None:
    admin = await call(world, "getChatMember", {"chat_id": GROUP_ID, "user_id": ADMIN_ID})
    assert (admin["status"], admin["is_anonymous"]) == ("creator", False)
    world.chats[GROUP_ID].admins = (ADMIN_ID, 1001)
    other = await call(world, "getChatMember", {"chat_id": GROUP_ID, "user_id": 1001})
    assert (other["status"], other["can_delete_messages"]) == ("administrator", True)
    assert (await call(world, "getChatMember", {"chat_id": GROUP_ID, "user_id": 1002}))["status"] == "member"
    assert (await call(world, "getChatMember", {"chat_id": 1001, "user_id": 1002}))["status"] == "left"
    assert await refusal(world, "getChatMember", chat_id=GROUP_ID, user_id=77) == TABLE["no_member"][1]


async def test_button_may_only_open_a_link_to_the_bot(world: World) -> None:
    world.say(1001, 1001, "hello")
    for url, is_right in (("https://t.me/farthing_sandbox_bot?start=plan", True), ("https://example.com", False)):
        query = world.press(1001, 1001, 1, "x")
        answer = call(world, "answerCallbackQuery", {"callback_query_id": query, "url": url})
        if is_right:
            assert await answer
        else:
            with pytest.raises(BotApiError, match="URL_INVALID"):
                await answer
