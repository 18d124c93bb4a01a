"""/code and /invite: codes that are shown once."""

import re

import pytest

from bot.commands.codes import MOST
from engine.money import Money
from tests.bot.commands.conftest import OLGA, Chat

CODE = re.compile(r"^[A-Za-z0-9_-]{16,}", re.MULTILINE)


async def kinds(chat: Chat) -> list[str]:
    return [row["kind"] for row in await chat.rows("SELECT kind FROM codes")]


@pytest.mark.parametrize("command", ["/code 5", "/invite"])
async def test_admin_command_is_unknown_to_others(chat: Chat, command: str) -> None:
    assert "I don't know that command" in await chat.say(command)
    assert await kinds(chat) == []


@pytest.mark.parametrize("text", ["/code", "/code 5 0", f"/code 5 {MOST + 1}", "/code 5 x", "/code 5 1 1"])
async def test_code_with_wrong_arguments_shows_its_usage(chat: Chat, text: str) -> None:
    assert f"Usage: /code USD [1-{MOST}]" in await chat.say(text, OLGA)
    assert await kinds(chat) == []


@pytest.mark.parametrize("amount", ["0", "-5", "abc", "NaN"])
async def test_code_needs_an_amount_above_zero(chat: Chat, amount: str) -> None:
    assert f"“{amount}” is not an amount above zero" in await chat.say(f"/code {amount}", OLGA)
    assert await kinds(chat) == []


async def test_codes_are_shown_and_each_tops_up_once(chat: Chat) -> None:
    text = await chat.say("/code 2.50 2", OLGA)
    first, second = CODE.findall(text)
    assert "2 × $2.50" in text
    await chat.say(f"/topup {first}")
    await chat.say(f"/topup {second}")
    assert (await chat.state()).wallet == Money.usd("5")
    await chat.check_books()


async def test_one_code_is_made_where_no_number_is_given(chat: Chat) -> None:
    assert len(CODE.findall(await chat.say("/code 1", OLGA))) == 1


@pytest.mark.parametrize("text", ["/invite 0", f"/invite {MOST + 1}", "/invite x", "/invite 1 2"])
async def test_invite_with_wrong_arguments_shows_its_usage(chat: Chat, text: str) -> None:
    assert f"Usage: /invite [1-{MOST}]" in await chat.say(text, OLGA)


async def test_invitations_come_with_a_link(chat: Chat) -> None:
    text = await chat.say(f"/invite {MOST}", OLGA)
    assert f"Invitations: {MOST}." in text
    links = re.findall(r"https://t\.me/farthing_bot\?start=(\S+)", text)
    assert len(links) == len(set(links)) == MOST
