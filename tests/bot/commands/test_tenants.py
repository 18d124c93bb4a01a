"""/tenants, /tenant, /setplan."""

import pytest

from bot.commands.tenants import SHOWN
from engine.money import Money
from storage.database.connection import Connection
from storage.tenants import tenant_settings, tenants
from tests.bot.commands.conftest import ANN, BAO, OLGA, Chat
from tests.builders import spent
from tests.storage.books import FREE
from tests.storage.shop import paid, plan_order


@pytest.mark.parametrize("command", ["/tenants", "/tenant 1", "/credit 1 5", "/setplan 1 pro"])
async def test_admin_command_is_unknown_to_others(chat: Chat, command: str) -> None:
    assert "I don't know that command" in await chat.say(command)
    state = await chat.state()
    assert (state.wallet, state.plan) == (Money(0), "free")


@pytest.mark.parametrize(
    ("text", "usage"),
    [
        ("/tenant", "/tenant ID"),
        ("/credit 1", "/credit ID USD"),
        ("/setplan 1", "/setplan ID PLAN"),
    ],
)
async def test_wrong_arguments_show_the_usage(chat: Chat, text: str, usage: str) -> None:
    assert await chat.say(text, OLGA) == f"Usage: {usage}"


@pytest.mark.parametrize("text", ["/tenant 77", "/credit 77 5", "/setplan 77 pro"])
async def test_unknown_tenant_is_refused(chat: Chat, text: str) -> None:
    assert "No tenant is 77:" in await chat.say(text, OLGA)


async def test_tenant_shows_the_account(chat: Chat) -> None:
    await chat.say("/start")
    await chat.write(lambda conn: paid(conn, plan_order(conn), "c1"))
    await chat.write(spent(1, Money.usd("0.25"), chat.clock.now(), cost=Money.usd("0.10")))
    text = await chat.say("/tenant 1", OLGA)
    for fact in (
        f"Ann · tenant 1 · Telegram {ANN}",
        "Plan starter",
        "has access",
        "charged 25 ¢, cost 10 ¢",
        "Subscription to starter: active",
        "⭐ c1",
    ):
        assert fact in text, fact
    assert "Banned" not in text


async def test_tenant_is_found_by_the_telegram_id_too(chat: Chat) -> None:
    await chat.say("/start")
    assert "tenant 1" in await chat.say(f"/tenant {ANN}", OLGA)


async def test_banned_tenant_is_marked(chat: Chat) -> None:
    await chat.say("/start")
    await chat.say("/ban 1", OLGA)
    await chat.press("Yes, do it", OLGA)
    assert "Banned" in await chat.say("/tenant 1", OLGA)
    assert "· banned" in await chat.say("/tenants", OLGA)


@pytest.mark.parametrize(("access", "mark"), [(tenants.PENDING, "· waiting"), (tenants.DECLINED, "· declined")])
async def test_person_without_access_is_marked(chat: Chat, access: str, mark: str) -> None:
    await chat.say("/start")
    await chat.write(lambda conn: tenant_settings.set_access(conn, 1, access))
    assert mark in await chat.say("/tenants", OLGA)


async def test_tenants_are_listed_by_pages_newest_first(chat: Chat) -> None:
    def many(conn: Connection) -> None:
        for number in range(SHOWN):
            tenants.create(conn, f"T{number}", FREE, now=chat.clock.now(), telegram_user_id=5000 + number)

    await chat.write(many)
    text = await chat.say("/tenants", OLGA)
    assert f"Tenants: {SHOWN + 1}" in text
    assert text.index("Olga") < text.index(f"T{SHOWN - 1}:") < text.index("T1:")
    assert "T0:" not in text
    older = await chat.press("Older", OLGA)
    assert "T0:" in older
    assert "T1:" not in older


async def test_one_page_of_tenants_has_no_button(chat: Chat) -> None:
    await chat.say("/usage", BAO)
    text = await chat.say("/tenants", OLGA)
    assert "1 Bao" in text
    assert all("tenants" not in data for _, data in chat.buttons())


async def test_search_lists_the_tenants_with_a_button_for_each_card(chat: Chat) -> None:
    for name in ("Ánh Nguyễn", "ánh trần", "Bình"):
        await chat.write(lambda conn, name=name: tenants.create(conn, name, FREE, now=chat.clock.now()))  # type: ignore[misc]
    text = await chat.say("/tenants ÁNH", OLGA)
    assert "Ánh Nguyễn" in text
    assert "ánh trần" in text
    assert "Bình" not in text
    assert "tenant 2" in await chat.press("ánh trần", OLGA)


async def test_search_without_a_result_says_so(chat: Chat) -> None:
    assert "No tenant is nobody" in await chat.say("/tenants nobody", OLGA)
