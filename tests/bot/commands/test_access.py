"""/access, /ban and /unban."""

from functools import partial

import pytest

from storage.operations import operator_log
from storage.tenants import tenant_settings, tenants
from tests.bot.commands.conftest import ANN, BAO, OLGA, Chat
from tests.storage.books import FREE


@pytest.mark.parametrize("command", ["/access", "/ban 1", "/unban 1"])
async def test_admin_command_is_unknown_to_others(chat: Chat, command: str) -> None:
    assert await chat.say(command) == "I don't know that command. /help lists the commands."


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("/ban", "Usage: /ban ID"),
        ("/ban 77", "No tenant is 77:"),
        ("/unban", "Usage: /unban ID"),
    ],
)
async def test_argument_errors_are_explained(chat: Chat, text: str, answer: str) -> None:
    assert answer in await chat.say(text, OLGA)


async def test_ban_blocks_the_tenant_and_tells_both_once(chat: Chat) -> None:
    await chat.say("/start")
    assert "Block Ann?" in await chat.say("/ban 1", OLGA)
    for _ in range(2):
        assert "Ann is blocked." in await chat.press("Yes, do it", OLGA)
    assert "Ann is blocked already." in await chat.say("/ban 1", OLGA)
    assert (await chat.state()).banned
    assert len([text for text in chat.told(ANN) if "closed your account" in text]) == 1


async def test_unban_opens_the_account_again_and_tells_the_tenant(chat: Chat) -> None:
    await chat.say("/start")
    await chat.say("/ban 1", OLGA)
    assert not (await chat.state()).banned
    await chat.press("Yes, do it", OLGA)
    assert "Ann has access again." in await chat.say("/unban 1", OLGA)
    assert not (await chat.state()).banned
    assert "Your account is open again: just write to me." in chat.told(ANN)


async def test_unban_of_an_open_account_tells_the_tenant_nothing(chat: Chat) -> None:
    await chat.say("/start")
    before = len(chat.told(ANN))
    await chat.say("/unban 1", OLGA)
    assert len(chat.told(ANN)) == before


async def waiting(chat: Chat) -> None:
    await chat.say("/start")
    tenant_id = (await chat.state()).id
    await chat.write(partial(tenant_settings.set_access, tenant_id=tenant_id, access=tenants.PENDING))


async def test_access_lists_who_waits(chat: Chat) -> None:
    assert "Nobody is waiting." in await chat.say("/access", OLGA)
    chat.configure(access_mode="approval")
    await waiting(chat)
    text = await chat.say("/access", OLGA)
    assert "mode: approval" in text
    assert "2 Ann" in text


async def test_unban_admits_a_waiting_person(chat: Chat) -> None:
    chat.configure(access_mode="approval")
    await waiting(chat)
    await chat.say("/unban 1", OLGA)
    assert (await chat.state()).is_admitted
    assert "You're in: just write to me." in chat.told(ANN)


@pytest.mark.parametrize(
    ("action", "access", "answer", "notice"),
    [
        ("accept", tenants.ADMITTED, "Ann now has access.", "You're in: just write to me."),
        ("refuse", tenants.DECLINED, "Ann was declined.", "The operator has declined your request."),
    ],
)
async def test_decision_by_button_is_told_to_both_and_made_once(
    chat: Chat, action: str, access: str, answer: str, notice: str
) -> None:
    chat.configure(access_mode="approval")
    await waiting(chat)
    calls = await chat.press_data(f"access:{action}:1:{OLGA}", OLGA)
    assert answer in [call.text for call in calls]
    assert (await chat.state()).access == access
    assert any(notice in text for text in chat.told(ANN))
    again = await chat.press_data(f"access:{action}:1:{OLGA}", OLGA)
    assert "This was already decided." in [call.text for call in again]


async def test_button_of_an_admin_does_nothing_for_others(chat: Chat) -> None:
    chat.configure(access_mode="approval")
    await waiting(chat)
    chat.configure(access_mode="open")
    await chat.press_data("access:refuse:1:0", BAO)
    assert (await chat.state()).access == tenants.PENDING


async def test_ban_is_undone_by_its_button(chat: Chat) -> None:
    await chat.say("/start")
    await chat.say("/ban Ann", OLGA)
    await chat.press("Yes, do it", OLGA)
    for _ in range(2):
        assert "Ann has access again." in await chat.press("Undo", OLGA)
    assert not (await chat.state()).banned


async def test_operator_is_not_banned(chat: Chat) -> None:
    await chat.say("/start", OLGA)
    assert "operators can't be banned" in await chat.say("/ban Olga", OLGA)
    assert not (await chat.state(OLGA)).banned


async def test_name_of_a_person_is_no_markup(chat: Chat) -> None:
    await chat.write(lambda conn: tenants.create(conn, "*B*[x](https://t.co) `c`", FREE, now=chat.clock.now()))
    text = await chat.say("/ban 1", OLGA)
    assert text.startswith("Block *B*[x](https://t.co) 'c'?")


async def test_unban_of_a_tenant_with_access_changes_nothing(chat: Chat) -> None:
    await chat.say("/start")
    assert await chat.say("/unban 1", OLGA) == "Ann is not blocked: nothing was changed."
    assert not await chat.read(lambda conn: operator_log.latest(conn, 10))
