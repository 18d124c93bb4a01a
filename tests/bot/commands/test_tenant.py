"""/tenant: the card of a tenant, its buttons, and the search by id, @username or name."""

import pytest

from storage.database.connection import Connection
from storage.operations import operator_log
from storage.tenants import api_keys, tenants
from tests.bot.commands.conftest import ANN, OLGA, Chat
from tests.builders import attempt, journaled
from tests.storage.books import FREE


def rename(conn: Connection, name: str, username: str = "") -> None:
    tenants.ensure_telegram(
        conn,
        ANN,
        name=name,
        username=username,
        language="en",
        plan=FREE,
        now=tenants.by_telegram(conn, ANN).created_at,  # type: ignore[union-attr]
    )


async def logged(chat: Chat) -> list[tuple[str, int | None, str]]:
    found = await chat.read(lambda conn: operator_log.latest(conn, 10))
    assert {each.by.name for each in found} <= {"Olga"}
    return [(each.action, each.tenant_id, each.detail) for each in found]


@pytest.mark.parametrize("text", ["1", str(ANN), "@annlee", "annlee", "Ann *Lee*", "ann *lee*", "LEE"])
async def test_tenant_is_found_by_id_username_and_name(chat: Chat, text: str) -> None:
    await chat.say("/start")
    await chat.write(lambda conn: rename(conn, "Ann *Lee*", "annlee"))
    shown = await chat.say(f"/tenant {text}", OLGA)
    assert f"Ann *Lee* @annlee · tenant 1 · Telegram {ANN}" in shown


async def test_several_fitting_tenants_are_listed(chat: Chat) -> None:
    for name in ("Minh Anh", "Minh Khoa"):
        await chat.write(lambda conn, name=name: tenants.create(conn, name, FREE, now=chat.clock.now()))  # type: ignore[misc]
    text = await chat.say("/tenant minh", OLGA)
    assert "Several tenants fit minh" in text
    assert "• 1 Minh Anh: free" in text
    assert "• 2 Minh Khoa: free" in text


async def test_last_error_is_shown(chat: Chat) -> None:
    await chat.say("/start")
    at = chat.clock.now()
    for number, outcome in enumerate(("timeout", "answered")):
        record = attempt(
            outcome=outcome,
            kept=outcome == "answered",
            tenant_id=1,
            provider="gemini",
            model="m",
            request_id=f"r{number}",
            started_at=at,
        )
        await chat.write(journaled(record))
    seen = await chat.say("/tenant 1", OLGA)
    assert f"Last error: no answer in time at gemini/m, 24 Nov 2026, {at:%H:%M} UTC" in seen


async def test_key_is_revoked_after_a_question_and_logged(chat: Chat) -> None:
    await chat.say("/start")
    key = api_keys.new_key()
    await chat.write(lambda conn: api_keys.add(conn, 1, key, api_keys.KeySettings(name="app"), chat.clock.now()))
    await chat.say("/tenant 1", OLGA)
    assert f"• {key.prefix}… app" in await chat.press("API keys", OLGA)
    assert "refused at once" in await chat.press(f"Revoke {key.prefix}…", OLGA)
    assert await chat.read(lambda conn: api_keys.live_keys(conn, 1)) == 1
    assert "is revoked" in await chat.press("Yes, do it", OLGA)
    assert await chat.read(lambda conn: api_keys.live_keys(conn, 1)) == 0
    assert await logged(chat) == [("revoke key", 1, key.prefix)]
    assert "tenant 1" in await chat.press("◂ Back", OLGA)


async def test_plan_is_chosen_from_the_card_and_undone(chat: Chat) -> None:
    await chat.say("/start")
    await chat.say("/tenant 1", OLGA)
    await chat.press("Plan", OLGA)
    assert "Move Ann from plan free to plan pro?" in await chat.press("pro", OLGA)
    assert "Ann is on plan pro." in await chat.press("Yes, do it", OLGA)
    assert "Ann is on plan free." in await chat.press("Undo", OLGA)
    assert (await chat.state()).plan == "free"
    assert await logged(chat) == [("undo: set plan", 1, "pro → free"), ("set plan", 1, "free → pro")]


async def test_tenant_is_blocked_and_unblocked_from_the_card(chat: Chat) -> None:
    await chat.say("/start")
    await chat.say("/tenant 1", OLGA)
    assert "Block Ann?" in await chat.press("Block", OLGA)
    await chat.press("Yes, do it", OLGA)
    assert (await chat.state()).banned
    await chat.say("/tenant 1", OLGA)
    assert "has access again" in await chat.press("Unblock", OLGA)
    assert not (await chat.state()).banned


async def test_log_of_the_tenant_is_shown(chat: Chat) -> None:
    await chat.say("/start")
    await chat.say("/tenant 1", OLGA)
    assert "No operator has changed anything yet." in await chat.press("Log", OLGA)


@pytest.mark.parametrize("action", ["card", "keys", "plans"])
async def test_button_of_an_unknown_tenant_changes_nothing(chat: Chat, action: str) -> None:
    calls = await chat.press_data(f"tenant:{action}:77:{OLGA}", OLGA)
    assert "Nothing was changed." in calls[0].text


async def test_held_and_owed_money_is_shown_where_there_is_some(chat: Chat) -> None:
    await chat.say("/start")
    assert "Wallet $0.00\n" in await chat.say("/tenant 1", OLGA)
    money = "balance_nanousd = 50000000, held_nanousd = 20000000, owed_nanousd = 10000000"
    await chat.write(lambda conn: conn.run(f"UPDATE accounts SET {money}"))
    assert "Wallet 5 ¢, held 2 ¢, owed 1 ¢\n" in await chat.say("/tenant 1", OLGA)
