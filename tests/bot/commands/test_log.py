"""/log: operators' actions, each in a line."""

from storage.database.connection import Connection
from storage.operations import operator_log
from storage.operations.operator_log import BY_KEY, Operator
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
        f"{at} *Olga*: drain deepseek",
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
