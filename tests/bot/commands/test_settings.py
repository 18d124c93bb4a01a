"""/settings: language, footer, memory, streaming and tables."""

import pytest

from engine.chat import Delta, Usage
from tests.bot.commands.conftest import ANN, BAO, Chat
from tests.engine.scripted import END

TABLE = "Here:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"


async def setting(chat: Chat, name: str) -> object:
    return (await chat.state()).settings.get(name)


async def test_settings_are_shown(chat: Chat) -> None:
    text = await chat.say("/settings")
    for line in ("Language: English", "Footer with the charge: off", "Memory: 60 messages", "Streaming: drafts"):
        assert line in text
    assert "Tables as rich messages (needs a recent app): off" in text


async def test_language_changes_the_texts_at_once(chat: Chat) -> None:
    await chat.say("/settings")
    assert "Ngôn ngữ: Tiếng Việt" in await chat.press("Tiếng Việt")
    assert (await chat.state()).language == "vi"
    assert "Cài đặt" in await chat.say("/settings")


@pytest.mark.parametrize(
    ("button", "line", "name", "value", "back"),
    [
        ("Footer on/off", "Footer with the charge: on", "footer", True, False),
        ("Rich tables on/off", "(needs a recent app): on", "tables", True, False),
        ("Answer buttons on/off", "Buttons under answers: off", "buttons", False, True),
        ("Drafts/edits", "Streaming: edited messages", "stream", "edit", "draft"),
    ],
)
async def test_switch_works_both_ways(
    chat: Chat, button: str, line: str, name: str, value: object, back: object
) -> None:
    await chat.say("/settings")
    assert line in await chat.press(button)
    assert await setting(chat, name) == value
    assert line not in await chat.press(button)
    assert await setting(chat, name) == back


@pytest.mark.parametrize(("number", "line"), [(0, "Memory: 0 messages"), (10, "Memory: 10 messages")])
async def test_memory_is_chosen(chat: Chat, number: int, line: str) -> None:
    await chat.say("/settings")
    assert line in await chat.press(f"Memory {number}")
    assert await setting(chat, "memory") == number


async def test_memory_has_an_upper_bound(chat: Chat) -> None:
    await chat.say("/start")
    await chat.press_data(f"settings:set:memory:100000:{ANN}")
    assert await setting(chat, "memory") == 60


@pytest.mark.parametrize("change", ["language:xx", "memory:many", "stream:never", "else:on"])
async def test_unknown_value_changes_nothing(chat: Chat, change: str) -> None:
    await chat.say("/start")
    before = await chat.state()
    await chat.press_data(f"settings:set:{change}:{ANN}")
    after = await chat.state()
    assert (after.settings, after.language) == (before.settings, before.language)


async def test_button_obeys_its_owner_only(chat: Chat) -> None:
    await chat.say("/settings")
    await chat.press("Footer on/off", BAO)
    assert await setting(chat, "footer") is None


async def test_answer_that_is_no_longer_stored_can_not_be_shown_as_text(chat: Chat) -> None:
    await chat.say("/start")
    calls = await chat.press_data(f"settings:text:77:{ANN}")
    assert [call.params["text"] for call in calls if "text" in call.params] == [
        "This answer is no longer stored, so I can't show its text. Ask again for a new one."
    ]


async def test_rich_answer_is_shown_as_text_in_its_place(chat: Chat) -> None:
    chat.scripts["deepseek"]._scripts = [[Delta(TABLE), END, Usage(10, 5)]]
    await chat.say("/ask a table")
    number = chat.number
    calls = await chat.press_data(f"settings:text:{number}:{ANN}")
    (edit,) = [call for call in calls if call.method == "editMessageText"]
    assert edit.params["message_id"] == 900
    assert edit.text.startswith("Here:")
