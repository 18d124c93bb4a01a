"""/persona: built-in and own personas, chosen for one conversation."""

import pytest

import locales
from bot.questions.personas import READY
from engine.chat import Role
from tests.bot.commands.conftest import Chat

PIRATE = "Pirate\nAnswer like a pirate."


def system(chat: Chat) -> str:
    first = chat.scripts["deepseek"].calls[-1].request.messages[0]
    return first.text if first.role is Role.SYSTEM else ""


@pytest.mark.parametrize("language", ["en", "vi"])
@pytest.mark.parametrize("key", READY)
async def test_ready_persona_answers_in_this_conversation_only(chat: Chat, language: str, key: str) -> None:
    chat.language = language
    await chat.say("/persona")
    await chat.press(locales.text(language, f"persona.{key}"))
    await chat.say("hello")
    assert system(chat) == locales.text(language, f"persona.prompt_{key}")
    await chat.say("/new")
    await chat.say("hello")
    assert system(chat) == ""


async def made(chat: Chat, text: str = PIRATE) -> str:
    await chat.say("/persona")
    await chat.press("New persona")
    return await chat.say(text)


async def test_own_persona_is_made_chosen_changed_and_deleted(chat: Chat) -> None:
    assert "“Pirate” is saved" in await made(chat)
    await chat.press_data(chat.button("Pirate").replace("one", "set:own"))
    await chat.say("hello")
    assert system(chat) == "Answer like a pirate."
    await chat.say("/persona")
    await chat.press("✏️ Pirate")
    await chat.press("Change")
    await chat.say("Captain\nAnswer like a captain.")
    await chat.say("hello")
    assert system(chat) == "Answer like a captain."
    await chat.say("/persona")
    await chat.press("✏️ Captain")
    await chat.press("Delete")
    await chat.say("hello")
    assert system(chat) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Pirate", "two lines or more"),
        ("x" * 41 + "\nAnswer.", "too long"),
        ("Pirate\n" + "x" * 2001, "too long"),
    ],
)
async def test_incomplete_persona_is_explained_and_waited_for_again(chat: Chat, text: str, reason: str) -> None:
    assert reason in await made(chat, text)
    assert "is saved" in await chat.say(PIRATE)


async def test_number_of_own_personas_is_limited(chat: Chat) -> None:
    for number in range(20):
        await made(chat, f"P{number}\nAnswer.")
    await chat.say("/persona")
    newest = chat.request.calls[-1].params["reply_markup"]
    assert "New persona" not in str(newest)


async def test_persona_and_instructions_go_together(chat: Chat) -> None:
    await chat.say("/instructions Be brief.")
    await chat.say("/persona")
    await chat.press("Editor")
    await chat.say("hello")
    assert system(chat).startswith("You are an editor.")
    assert system(chat).endswith("Be brief.")
    assert "Persona of this conversation: Editor" in await chat.say("/instructions")


@pytest.mark.parametrize(
    ("language", "word"),
    [("en", "teacher"), ("en", "patient TEACHER"), ("vi", "Giáo viên kiên nhẫn"), ("vi", "teacher")],
)
async def test_persona_named_after_the_command_is_chosen(chat: Chat, language: str, word: str) -> None:
    chat.language = language
    await chat.say(f"/persona {word}")
    await chat.say("hello")
    assert system(chat) == locales.text(language, "persona.prompt_teacher")
    await chat.say("/persona none")
    await chat.say("hello")
    assert system(chat) == ""


async def test_own_persona_named_after_the_command_is_chosen(chat: Chat) -> None:
    await made(chat)
    await chat.say("/persona pirate")
    await chat.say("hello")
    assert system(chat) == "Answer like a pirate."


async def test_unknown_persona_after_the_command_gets_the_names(chat: Chat) -> None:
    await made(chat)
    text = await chat.say("/persona clown")
    assert "takes one of these: Patient teacher, Editor," in text
    assert "Pirate" in text
