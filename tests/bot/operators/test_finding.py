"""The tenant in an operator's command."""

import pytest

from bot.operators.finding import MOST_FOUND, name_of
from storage.database.connection import Connection
from storage.tenants import tenants
from tests.bot.commands.conftest import OLGA, Chat, chat, database
from tests.storage.books import FREE
from tests.storage.conftest import sqlite_template

__all__ = ["chat", "database", "sqlite_template"]


@pytest.mark.parametrize("text", ["/tenant", "/credit 5", "/setplan pro"])
async def test_missing_tenant_shows_the_usage(chat: Chat, text: str) -> None:
    assert (await chat.say(text, OLGA)).startswith("Usage: /")


async def test_name_of_several_words_precedes_the_other_arguments(chat: Chat) -> None:
    await chat.write(lambda conn: tenants.create(conn, "Ann Mary Lee", FREE, now=chat.clock.now()))
    assert "Add $5.00 to Ann Mary Lee's wallet?" in await chat.say("/credit Ann Mary Lee 5", OLGA)


async def test_long_lists_are_cut(chat: Chat) -> None:
    def many(conn: Connection) -> None:
        for number in range(MOST_FOUND + 5):
            tenants.create(conn, f"Same {number}", FREE, now=chat.clock.now())

    await chat.write(many)
    assert (await chat.say("/tenant same", OLGA)).count("•") == MOST_FOUND


async def test_tenant_without_a_name_is_named_by_its_id(chat: Chat) -> None:
    number = await chat.write(lambda conn: tenants.create(conn, "", FREE, now=chat.clock.now()))
    state = await chat.read(lambda conn: tenants.state(conn, number))
    assert state is not None
    assert name_of(state) == f"`{number}`"
