"""/keys: make, list, limit, revoke."""

import re
from datetime import timedelta
from typing import Any

import pytest

from storage.database.connection import Connection, ms
from storage.tenants import api_keys
from tests.bot.commands.conftest import ANN, BAO, Chat
from tests.builders import english

SECRET = re.compile(r"fk-\S{43}")


async def made(chat: Chat, user: int = ANN) -> str:
    """Create a key, and return its secret."""
    await chat.say("/keys", user)
    found = SECRET.search(await chat.press("New key", user))
    assert found is not None
    return found[0]


async def limits(chat: Chat) -> list[int | None]:
    rows = await chat.rows("SELECT tokens_per_month FROM api_keys WHERE revoked_at IS NULL ORDER BY id")
    return [row["tokens_per_month"] for row in rows]


async def test_list_without_keys_says_so_and_names_the_address(chat: Chat) -> None:
    text = await chat.say("/keys")
    assert "https://farthing.example/v1" in text
    assert "You have no keys yet." in text


async def test_secret_is_shown_once_and_the_list_has_its_prefix(chat: Chat) -> None:
    secret = await made(chat)
    text = await chat.say("/keys")
    assert secret not in text
    assert re.search(re.escape(secret[:6]) + r"\S*… Key 1: 0 tokens this month, never used", text)


async def test_used_key_shows_its_last_day(chat: Chat) -> None:
    await made(chat)
    await chat.write(lambda conn: api_keys.touch(conn, 1, chat.clock.now()))
    assert f"last used {english(chat.clock.now())}" in await chat.say("/keys")


async def test_no_more_keys_than_the_limit(chat: Chat) -> None:
    def make_all_but_one(conn: Connection) -> None:
        for _ in range(api_keys.MAX_LIVE - 1):
            api_keys.add(conn, 1, api_keys.new_key(), api_keys.KeySettings(name="program"), chat.clock.now())

    await chat.say("/start")
    await chat.write(make_all_but_one)
    await made(chat)
    assert f"You have {api_keys.MAX_LIVE} keys, which is the limit" in await chat.press("New key")
    assert len(await limits(chat)) == api_keys.MAX_LIVE


async def test_keys_of_a_day_are_limited(chat: Chat) -> None:
    def make_and_revoke(conn: Connection) -> None:
        for _ in range(api_keys.MOST_A_DAY):
            key = api_keys.add(conn, 1, api_keys.new_key(), api_keys.KeySettings(), chat.clock.now())
            api_keys.revoke(conn, 1, key.id, chat.clock.now())

    await chat.say("/keys")
    await chat.write(make_and_revoke)
    assert f"You have made {api_keys.MOST_A_DAY} keys within a day" in await chat.press("New key")
    assert await limits(chat) == []


async def test_revoked_key_is_gone_and_a_second_press_says_so(chat: Chat) -> None:
    await made(chat)
    await chat.say("/keys")
    assert "This can't be undone." in await chat.press("Revoke fk-")
    assert await limits(chat) == [None]
    assert "Revoked. No program can use that key any more." in await chat.press("Yes, revoke it")
    for label in ("Yes, revoke it", "Revoke fk-", "Settings fk-"):
        assert "already revoked" in await chat.press(label)
    assert await limits(chat) == []


async def test_key_of_another_tenant_is_out_of_reach(chat: Chat) -> None:
    await made(chat)
    await chat.say("/start", BAO)
    of_key = ("settings", "limit", "rate", "models", "expiry", "name", "rotate", "rotated", "revoke", "revoked")
    for data in (*of_key, "set:1:5", "set_rate:1:5", "set_expiry:1:30", "model:1:auto"):
        action, _, more = data.partition(":")
        calls = await chat.press_data(f"keys:{action}:{more or 1}:{BAO}", BAO)
        assert "That key is already revoked." in [call.text for call in calls]
    assert await limits(chat) == [None]


async def test_limit_is_chosen_by_button_and_taken_off_again(chat: Chat) -> None:
    await made(chat)
    await chat.say("/keys")
    assert "Tokens a month: no limit of its own" in await chat.press("Settings fk-")
    assert "How many tokens may" in await chat.press("Tokens a month")
    assert "Tokens a month: 1,000,000" in await chat.press("1,000,000")
    assert await limits(chat) == [1_000_000]
    assert "0 tokens this month of 1,000,000" in await chat.say("/keys")
    await chat.press("Tokens a month")
    assert "Tokens a month: no limit of its own" in await chat.press("No limit")
    assert await limits(chat) == [None]


@pytest.mark.parametrize(
    ("tokens", "stored"), [("2,500_000", 2_500_000), ("0", None), ("999999999999999", 999_999_999_999_999)]
)
async def test_limit_command_sets_any_number(chat: Chat, tokens: str, stored: int | None) -> None:
    secret = await made(chat)
    await chat.say(f"/keys limit {secret[:8]}… {tokens}")
    assert await limits(chat) == [stored]


@pytest.mark.parametrize("rest", ["", " fk-", " fk- x", " nothing 5", " fk- 5 6", " fk- -5", " fk- 1000000000000000"])
async def test_limit_command_with_wrong_arguments_shows_its_usage(chat: Chat, rest: str) -> None:
    await made(chat)
    assert "To change a key, send /keys limit PREFIX TOKENS" in await chat.say(f"/keys limit{rest}")
    assert await limits(chat) == [None]


async def test_limit_command_needs_a_prefix_of_one_key_only(chat: Chat) -> None:
    await made(chat)
    await made(chat)
    assert "To change a key" in await chat.say("/keys limit fk- 5")
    assert await limits(chat) == [None, None]


async def test_keys_of_a_group_point_to_the_private_chat(chat: Chat) -> None:
    assert "open @farthing_bot and send /keys there" in await chat.say("/keys", ANN, -100500)


async def test_open_button_lists_the_keys(chat: Chat) -> None:
    calls = await chat.press_data(f"keys:open:{ANN}")
    assert "You have no keys yet." in "".join(call.text for call in calls)


async def key_row(chat: Chat) -> Any:
    (row,) = await chat.rows("SELECT * FROM api_keys WHERE revoked_at IS NULL")
    return row


async def test_rate_is_chosen_by_button_or_command(chat: Chat) -> None:
    secret = await made(chat)
    await chat.say("/keys")
    await chat.press("Settings fk-")
    assert "How many requests a minute" in await chat.press("Requests a minute")
    assert "Requests a minute: 30" in await chat.press("30")
    assert (await key_row(chat))["requests_per_minute"] == 30
    assert "Requests a minute: 7" in await chat.say(f"/keys rate {secret[:8]} 7")
    assert "no limit of its own" in await chat.say(f"/keys rate {secret[:8]} 0")
    assert (await key_row(chat))["requests_per_minute"] is None
    assert "To change a key" in await chat.say(f"/keys rate {secret[:8]} 1000000")


async def test_key_expires_in_30_or_90_days(chat: Chat) -> None:
    secret = await made(chat)
    await chat.say("/keys")
    await chat.press("Settings fk-")
    assert "When does" in await chat.press("Expiry")
    for days in (30, 90):
        day = chat.clock.now() + timedelta(days=days)
        assert f"Expiry: expires on {english(day)}" in await chat.press(f"In {days} days")
        assert (await key_row(chat))["expires_at"] == ms(day)
    assert f"expires on {english(day)}" in await chat.say("/keys")
    assert "Expiry: Never" in await chat.press("Never")
    assert (await key_row(chat))["expires_at"] is None
    await chat.say(f"/keys expire {secret[:8]} 1")
    chat.clock.move(days=1)
    assert "never used, expired on" in await chat.say("/keys")


async def test_models_are_added_and_taken_away(chat: Chat) -> None:
    secret = await made(chat)
    await chat.say("/keys")
    await chat.press("Settings fk-")
    assert "may ask for: Every model" in await chat.press("Models")
    assert "Models: auto" in await chat.press("auto")
    assert (await key_row(chat))["models"] == '["auto"]'
    await chat.press("Models")
    assert "Models: Every model" in await chat.press("✓ auto")
    assert (await key_row(chat))["models"] is None
    assert "Models: auto, gpt-4o" in await chat.say(f"/keys models {secret[:8]} auto gpt-4o auto")
    await chat.press("Models")
    assert "Models: Every model" in await chat.press("Every model")
    assert "Models: x" in await chat.say(f"/keys models {secret[:8]} x")
    assert "Models: Every model" in await chat.say(f"/keys models {secret[:8]} all")
    assert "To change a key" in await chat.say(f"/keys models {secret[:8]}")


async def test_key_is_renamed(chat: Chat) -> None:
    secret = await made(chat)
    await chat.say("/keys")
    await chat.press("Settings fk-")
    assert "my laptop" in await chat.say(f"/keys name {secret[:8]} my laptop")
    assert (await key_row(chat))["name"] == "my laptop"
    assert "To change a key" in await chat.say(f"/keys name {secret[:8]} {'x' * 101}")
    assert "To change a key" in await chat.say(f"/keys name {secret[:8]}")


async def test_rotation_asks_first_and_shows_the_new_secret_once(chat: Chat) -> None:
    secret = await made(chat)
    before = await key_row(chat)
    await chat.say("/keys")
    await chat.press("Settings fk-")
    assert "refused at once" in await chat.press("New secret")
    assert (await key_row(chat))["sha256"] == before["sha256"]
    found = SECRET.search(await chat.press("Yes, make a new secret"))
    assert found is not None
    after = await key_row(chat)
    assert found[0] != secret
    assert (after["id"], after["sha256"]) == (before["id"], api_keys.digest(found[0]))
    assert found[0] not in await chat.say("/keys")


async def test_key_named_after_the_command_is_shown(chat: Chat) -> None:
    secret = await made(chat)
    for word in ("Key 1", secret[:6]):
        assert "Key 1" in await chat.say(f"/keys {word}"), word
    for word in ("Key 2", "laptop", "limitless 5"):
        assert "To change a key, send" in await chat.say(f"/keys {word}")
