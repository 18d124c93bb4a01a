"""/log: operators' actions, one per line."""

import pytest

from storage.database.connection import Connection
from storage.operations import operator_log
from storage.operations.operator_log import BY_KEY, Operator
from storage.tenants import tenant_settings
from tests.bot.commands.conftest import OLGA, Chat


async def test_admin_command_is_unknown_to_others(chat: Chat) -> None:
    assert "I don't know that command" in await chat.say("/log")


async def test_actions_are_listed_newest_first(chat: Chat) -> None:
    now = chat.clock.now()

    def unit(conn: Connection) -> None:
        operator_log.record(conn, Operator(OLGA, "*Olga*"), "drain", now, detail="deepseek")
        operator_log.record(conn, BY_KEY, "credit", now, tenant=1, detail="5 USD: gift")

    await chat.write(unit)
    at = f"24 Nov 2026, {now:%H:%M} UTC"
    assert (await chat.say("/log", OLGA)).splitlines()[2:] == [
        f"{at} the admin key: credit, tenant 1 5 USD: gift",
        f"{at} *Olga*: drained deepseek",
    ]


async def test_actions_of_one_tenant(chat: Chat) -> None:
    await chat.say("/start")
    await chat.say("/credit 1 5", OLGA)
    await chat.press("Yes, do it", OLGA)
    await chat.say("/code 5", OLGA)
    text = await chat.say("/log Ann", OLGA)
    assert "credit, tenant 1" in text
    assert "code" not in text


async def test_empty_log_and_unknown_tenant(chat: Chat) -> None:
    assert await chat.say("/log", OLGA) == "No operator has changed anything yet."
    assert "No tenant is 77:" in await chat.say("/log 77", OLGA)


async def test_action_of_another_version_is_shown_as_it_is(chat: Chat) -> None:
    now = chat.clock.now()
    await chat.write(lambda conn: operator_log.record(conn, BY_KEY, "paint: blue", now))
    assert "paint: blue" in await chat.say("/log", OLGA)


@pytest.mark.parametrize(
    "action",
    [
        "accept", "ban", "broadcast", "code", "credit", "decline", "drain", "exclusions", "invite", "refund", "resume",
        "revoke key", "set plan", "unban", "undo: credit", "undo: set plan",
    ],
)  # fmt: skip
async def test_action_is_told_in_words_of_the_language(chat: Chat, action: str) -> None:
    now = chat.clock.now()
    await chat.say("/start", OLGA)
    await chat.write(lambda conn: operator_log.record(conn, BY_KEY, action, now))
    state = await chat.state(OLGA)
    await chat.write(lambda conn: tenant_settings.set_language(conn, state.id, "vi"))
    assert action not in await chat.say("/log", OLGA)


@pytest.mark.parametrize(
    ("action", "detail", "shown"),
    [
        ("credit", "-1250.50", "$1,250.50"),
        ("undo: credit", "0.50", "50 ¢"),
        ("code", "3 of 5.00", "3 \u00d7 $5.00"),
        ("broadcast", "number 2", "#2"),
        ("invite", "4", "4"),
    ],
)
async def test_detail_is_written_as_the_language_does(chat: Chat, action: str, detail: str, shown: str) -> None:
    await chat.write(lambda conn: operator_log.record(conn, BY_KEY, action, chat.clock.now(), detail=detail))
    assert (await chat.say("/log", OLGA)).endswith(shown)
