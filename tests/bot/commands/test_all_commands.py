"""Every command: texts in each language, place in the menu, and admin commands that others can't use."""

import pkgutil
import re

import pytest

import locales
from bot import commands
from bot.groups import addressing
from bot.menu import discover
from storage.tenants import tenants
from tests.bot.commands.conftest import ANN, OLGA, ROOM, Chat

ALL = discover()
SAYS_ALONE = frozenset({"code", "group", "refund"})
"""Commands that already say what they take when they are sent alone."""
ADMIN = [name for name, command in ALL.items() if command.admin]
EVERYONE = [name for name, command in ALL.items() if not command.admin]
PRIVATE = [name for name, command in ALL.items() if command.private_only and not command.admin]


@pytest.mark.parametrize("language", locales.LANGUAGES)
@pytest.mark.parametrize("name", ALL)
async def test_menu_text_fits_and_is_in_the_help(chat: Chat, name: str, language: str) -> None:
    text = locales.text(language, f"command.{name}")
    assert 0 < len(text) <= 256, f"the text command.{name} has {len(text)} characters; Telegram's menu takes 1 to 256"
    chat.language = language
    assert (f"/{name}: {text}" in await chat.say("/help", OLGA)) == ALL[name].menu


@pytest.mark.parametrize("name", ADMIN)
async def test_admin_command_does_not_exist_for_others(chat: Chat, name: str) -> None:
    unknown = await chat.say("/no_such_command")
    assert await chat.say(f"/{name} 1 1") == unknown
    assert await chat.say(f"/{name} 1 1", ANN, ROOM) == ""


@pytest.mark.parametrize("name", ADMIN)
async def test_button_of_an_admin_command_works_for_admins_only(chat: Chat, name: str) -> None:
    for action in ALL[name].buttons:
        for owner in (0, ANN):
            calls = await chat.press_data(f"{name}:{action}:1:{owner}")
            assert [call.params.get("text") for call in calls] == ["This button was made for someone else."]


@pytest.mark.parametrize("name", [*PRIVATE, *ADMIN])
async def test_private_command_in_a_group_points_to_the_private_chat(chat: Chat, name: str) -> None:
    text = await chat.say(f"/{name}", OLGA, ROOM)
    assert text == f"That works only in our private chat: open @farthing_bot and send /{name} there."


@pytest.mark.parametrize("name", EVERYONE)
async def test_group_reads_no_balance_plan_or_charge(chat: Chat, name: str) -> None:
    await chat.say("/ask How tall is Everest?", ANN, ROOM)
    for words in ("", " smart", " 7"):
        said = await chat.say(f"/{name}{words}", ANN, ROOM)
        assert not re.search(r"[$¢]|USD|\d+ tokens|wallet (has|holds)|\bfree\b|plan, ", said), said


@pytest.mark.parametrize("sender", [{}, {"sender_chat": {"id": ROOM, "type": "supergroup", "title": "Room"}}])
@pytest.mark.parametrize("name", EVERYONE)
async def test_sender_without_a_person_is_refused_by_every_command(
    chat: Chat, name: str, sender: dict[str, object]
) -> None:
    said = await chat.say(f"/{name} 1", ANN if sender else addressing.ANONYMOUS, ROOM, **sender)
    assert said == "Anonymous senders have no wallet to pay from. Write as yourself and I'll answer."
    assert await chat.read(tenants.count) == 0


@pytest.mark.parametrize("name", EVERYONE)
async def test_channel_is_refused_by_every_command(chat: Chat, name: str) -> None:
    said = await chat.post(f"/{name} 1")
    assert said == "Anonymous senders have no wallet to pay from. Write as yourself and I'll answer."


async def test_talk_in_a_channel_and_commands_of_other_bots_get_no_reply(chat: Chat) -> None:
    assert await chat.post("/nothing") == ""
    assert await chat.post("hello") == ""
    assert await chat.say("/help", ANN, ROOM, **{"from": {"id": 5, "is_bot": True, "first_name": "Other"}}) == ""


@pytest.mark.parametrize("name", [name for name, command in ALL.items() if command.buttons])
async def test_button_in_a_group_opens_the_private_chat_where_its_command_belongs(chat: Chat, name: str) -> None:
    for action in ALL[name].buttons:
        if ALL[name].works_in_groups(action):
            continue
        calls = await chat.press_data(f"{name}:{action}:1:{OLGA}", OLGA, ROOM)
        assert [(call.method, call.params.get("url")) for call in calls] == [
            ("answerCallbackQuery", f"https://t.me/farthing_bot?start={name}")
        ]


async def test_link_of_a_group_runs_its_command(chat: Chat) -> None:
    assert await chat.say("/start why") == await chat.say("/why")
    assert "Hi Ann!" in await chat.say("/start tenants")
    assert "Hi Ann!" in await chat.say("/start nothing")


@pytest.mark.parametrize("name", [name for name, command in ALL.items() if command.buttons])
async def test_button_obeys_its_owner_only(chat: Chat, name: str) -> None:
    await chat.say("/start")
    for action in ALL[name].buttons:
        calls = await chat.press_data(f"{name}:{action}:1:77", OLGA)
        assert [call.method for call in calls] == ["answerCallbackQuery"]
        assert calls[0].params["show_alert"]


async def test_command_for_another_bot_is_ignored(chat: Chat) -> None:
    assert await chat.say("/help@other_bot", ANN, ROOM) == ""
    assert await chat.read(tenants.count) == 0
    assert "What I can do" in await chat.say("/help@Farthing_Bot", ANN, ROOM)


@pytest.mark.parametrize("data", ["", "nothing", "nothing:at:all:0", f"usage:nothing:{ANN}"])
async def test_unknown_button_is_out_of_date(chat: Chat, data: str) -> None:
    calls = await chat.press_data(data)
    assert [call.params.get("text") for call in calls] == ["This button is out of date. Please send the command again."]


def test_no_two_commands_share_a_name_and_each_module_has_one() -> None:
    modules = [entry.name for entry in pkgutil.iter_modules(commands.__path__)]
    found = {command.run.__module__.rpartition(".")[2] for command in ALL.values()}
    assert found == set(modules)


@pytest.mark.parametrize(("command", "label"), [("/usage", "7 days"), ("/usage", "CSV"), ("/model", "smart")])
async def test_press_is_answered_once(chat: Chat, command: str, label: str) -> None:
    await chat.say(command)
    calls = await chat.press_data(chat.button(label))
    assert [call.method for call in calls].count("answerCallbackQuery") == 1


@pytest.mark.parametrize("language", locales.LANGUAGES)
@pytest.mark.parametrize("name", [name for name in ALL if name not in {"start", "ask", "new", "retry", "broadcast"}])
async def test_words_after_a_command_are_used_or_named_as_unused(chat: Chat, name: str, language: str) -> None:
    chat.language = language
    await chat.say("/start", OLGA)
    alone = await chat.say(f"/{name}", OLGA)
    wrong = await chat.say(f"/{name} qwertz uiop", OLGA)
    assert wrong != alone or name in SAYS_ALONE
    told = locales.text(language, "command_takes_nothing", words="qwertz uiop", command=name)
    assert (told in wrong) == (not ALL[name].takes_words and "qwertz" in wrong)


@pytest.mark.parametrize("name", [name for name in ALL if name not in {"ask", "new", "broadcast"}])
async def test_long_words_after_a_command_are_not_repeated_whole(chat: Chat, name: str) -> None:
    assert len(max((await chat.say(f"/{name} {'x' * 3000}", OLGA)).split(), key=len)) < 350


@pytest.mark.parametrize("name", [name for name, command in ALL.items() if not (command.private_only or command.admin)])
async def test_words_that_a_command_does_not_take_are_named_in_a_group_too(chat: Chat, name: str) -> None:
    told = "was not used" in await chat.say(f"/{name} qwertz", ANN, ROOM)
    assert told == (not ALL[name].takes_words or name == "group")
