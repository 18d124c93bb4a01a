"""Amounts in the commands of operators."""

import pytest

from engine.money import Money
from tests.bot.commands.conftest import OLGA, Chat, chat, database
from tests.storage.conftest import sqlite_template

__all__ = ["chat", "database", "sqlite_template"]


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("5,50", "Add $5.50"),
        ("$5", "Add $5.00"),
        ("50¢", "Add 50 ¢"),
        ("1,250.50", "Add $1,250.50"),
        ("-2,5", "Take $2.50"),
        ("\u22122", "Take $2.00"),
        ("-$2", "Take $2.00"),
    ],
)
async def test_credit_reads_amounts_as_people_write_them(chat: Chat, written: str, asked: str) -> None:
    await chat.say("/start")
    assert (await chat.say(f"/credit 1 {written}", OLGA)).startswith(asked)


async def test_code_reads_amounts_as_people_write_them(chat: Chat) -> None:
    assert (await chat.say("/code 2,50", OLGA)).startswith("1 \u00d7 $2.50.")


@pytest.mark.parametrize("written", ["--5", "-", "0,00", "1e3", "five"])
async def test_other_texts_are_no_amounts(chat: Chat, written: str) -> None:
    await chat.say("/start")
    assert "is not an amount" in await chat.say(f"/credit 1 {written}", OLGA)
    assert (await chat.state()).wallet == Money(0)
