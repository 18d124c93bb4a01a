"""/start and /help."""

import locales
from bot.menu import discover
from tests.bot.commands.conftest import ANN, OLGA, ROOM, Chat


async def test_start_makes_a_tenant_on_the_free_plan_and_greets(chat: Chat) -> None:
    text = await chat.say("/start")
    state = await chat.state()
    assert "Hi Ann!" in text
    assert f"Your plan, {state.plan}, has {state.allowance_left_tokens:,} tokens left" in text
    assert state.plan == "free"


async def test_start_speaks_the_language_of_the_app(chat: Chat) -> None:
    chat.language = "vi"
    assert "Chào Ann!" in await chat.say("/start")


async def test_help_lists_every_command_of_the_menu_but_no_admin_command(chat: Chat) -> None:
    text = await chat.say("/help")
    for name, command in discover().items():
        listed = f"/{name}: {locales.text('en', f'command.{name}')}" in text
        assert listed == (command.menu and not command.admin), name
    assert "For operators" not in text


async def test_help_lists_the_admin_commands_for_an_admin(chat: Chat) -> None:
    text = await chat.say("/help", OLGA)
    assert "For operators" in text
    for name, command in discover().items():
        assert (f"\n/{name}: " in text) == command.menu, name


async def test_group_is_told_how_to_ask_and_lists_the_commands_that_work_there(chat: Chat) -> None:
    text = await chat.say("/help", OLGA, ROOM)
    assert await chat.say("/start", ANN, ROOM) in text
    assert "I see only commands" in text
    for name, command in discover().items():
        assert (f"\n/{name}: " in text) == (command.menu and not command.private_only), name


async def test_help_names_the_price_of_voice_messages_only_with_a_transcriber(chat: Chat) -> None:
    assert "Voice messages" not in await chat.say("/help")


async def test_unknown_command_is_refused_in_private_and_ignored_in_groups(chat: Chat) -> None:
    assert await chat.say("/nothing") == "I don't know that command. /help lists the commands."
    assert await chat.say("/nothing", ANN, ROOM) == ""
