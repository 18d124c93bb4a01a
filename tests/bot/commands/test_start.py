"""/start and /help."""

import pytest

import locales
from bot.menu import discover
from storage.alerts import alert_messages, incidents
from storage.database.connection import Connection
from tests.bot.commands.conftest import ANN, OLGA, ROOM, Chat


async def test_start_makes_a_tenant_on_the_free_plan_and_greets(chat: Chat) -> None:
    text = await chat.say("/start")
    state = await chat.state()
    assert "Hi Ann!" in text
    assert f"Your plan, {state.plan}, has {state.allowance_left_tokens:,} tokens left" in text
    assert state.plan == "free"


async def test_start_of_an_admin_lets_missed_alerts_come(chat: Chat) -> None:
    def miss(conn: Connection) -> None:
        incidents.begin(conn, "disk_low", "all", {}, chat.clock.now())
        for admin in (OLGA, ANN):
            alert_messages.claim(conn, 1, admin, chat.clock.now())
            alert_messages.lost(conn, 1, admin)

    await chat.write(miss)
    for user in (OLGA, ANN):
        await chat.say("/start", user)
    rows = await chat.read(lambda conn: conn.rows("SELECT admin, is_lost FROM alert_messages ORDER BY admin"))
    assert {each["admin"]: bool(each["is_lost"]) for each in rows} == {OLGA: False, ANN: True}


async def test_start_speaks_the_language_of_the_app(chat: Chat) -> None:
    chat.language = "vi"
    assert "Chào Ann!" in await chat.say("/start")


async def test_greeting_has_three_lines_and_the_first_steps(chat: Chat) -> None:
    text = await chat.say("/start")
    assert len(text.splitlines()) == 3
    assert [label for label, _ in chat.buttons()] == ["💬 Why is the sky blue?", "Choose a model", "Plans"]
    assert "Which model should answer?" in await chat.press("Choose a model")
    assert "free" in await chat.press("Plans")


async def test_greeting_opens_the_mini_app_where_there_is_an_https_address(chat: Chat) -> None:
    chat.configure(public_url="https://bot.example.org/")
    (greeting,) = await chat.send("/start")
    rows = greeting.params["reply_markup"]["inline_keyboard"]
    assert rows[-1] == [{"text": "Open in Telegram", "web_app": {"url": "https://bot.example.org/app"}}]
    chat.configure(public_url="http://127.0.0.1:8080")
    assert "web_app" not in str((await chat.send("/start"))[0].params)


async def test_suggested_question_is_asked_and_charged_once_for_each_greeting(chat: Chat) -> None:
    await chat.say("/start")
    text = await chat.press("Why is the sky blue?")
    assert "💬 Why is the sky blue?" in text
    assert "an answer by deepseek" in text
    await chat.press("Why is the sky blue?")
    (call,) = chat.scripts["deepseek"].calls
    assert call.request.messages[-1].text == "Why is the sky blue?"
    assert len(await chat.rows("SELECT * FROM holds WHERE state = 'captured'")) == 1
    assert chat.request.calls[-1].text == "This button was used: its question has an answer."


async def test_suggested_question_can_be_asked_again_as_any_other(chat: Chat) -> None:
    chat.language = "vi"
    await chat.say("/start")
    await chat.press("Vì sao bầu trời màu xanh?")
    await chat.say("/retry")
    asked = [call.request.messages[-1].text for call in chat.scripts["deepseek"].calls]
    assert asked == ["Vì sao bầu trời màu xanh?"] * 2


async def test_help_has_the_commands_by_topic(chat: Chat) -> None:
    text = await chat.say("/help")
    titles = ("Asking", "Conversations", "Money", "For your programs", "Groups", "You and your data")
    places = [text.index(f"\n{title}\n") for title in titles]
    assert places == sorted(places)
    assert places[0] < text.index("/ask:") < places[1] < text.index("/history:") < places[2] < text.index("/topup:")


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


@pytest.mark.parametrize(
    "word", ["ask", "ask_hello", "new", "stop", "retry", "start", "model_smart", "_", "héllo", "x" * 64]
)
async def test_link_asks_no_question_and_changes_nothing(chat: Chat, word: str) -> None:
    await chat.say("/ask something")
    before = (await chat.state()).settings
    text = await chat.say(f"/start {word}")
    assert "Hi Ann!" in text or "Which model should answer?" in text
    assert sum(len(script.calls) for script in chat.scripts.values()) == 1
    assert (await chat.state()).settings == before
    assert "nothing to ask again" not in await chat.say("/retry")


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("help", "What I can do"),
        ("keys", "API keys"),
        ("topup_WRONG", "That code is not valid"),
        ("group_x", "Send /group"),
    ],
)
async def test_link_opens_a_page(chat: Chat, word: str, shown: str) -> None:
    assert shown in await chat.say(f"/start {word}")


@pytest.mark.parametrize("word", ["usage", "/usage", "USAGE"])
async def test_help_with_a_command_tells_what_it_does(chat: Chat, word: str) -> None:
    assert await chat.say(f"/help {word}") == f"/usage: {locales.text('en', 'command.usage')}"


@pytest.mark.parametrize("word", ["nothing", "credit", "start"])
async def test_help_with_another_word_tells_what_it_takes(chat: Chat, word: str) -> None:
    assert "/help takes the name of a command" in await chat.say(f"/help {word}")
