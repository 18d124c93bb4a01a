"""Pictures with a caption and buttons, edited in place, over the sandbox's Bot API."""

from telegram.error import BadRequest

from bot.panels.pictures import MOST_CAPTION, fits
from tests.bot.commands.conftest import Chat, chat, database, sqlite_template
from tests.bot.commands.test_usage import used

__all__ = ["chat", "database", "sqlite_template"]


def test_caption_is_measured_in_utf16_units_without_markup() -> None:
    assert fits("**" + "a" * MOST_CAPTION + "**")
    assert not fits("a" * (MOST_CAPTION + 1))
    assert fits("😀" * (MOST_CAPTION // 2))
    assert not fits("😀" * (MOST_CAPTION // 2) + "a")


async def test_unchanged_picture_is_no_fault(chat: Chat) -> None:
    await used(chat)
    await chat.say("/usage")
    chat.request.refusals["editMessageMedia"] = BadRequest("Message is not modified: the same")
    calls = await chat.press_data(chat.button("30 days"))
    assert [call.method for call in calls] == ["answerCallbackQuery", "editMessageMedia"]


async def test_picture_that_can_not_be_edited_is_sent_anew(chat: Chat) -> None:
    await used(chat)
    await chat.say("/usage")
    chat.request.refusals["editMessageMedia"] = BadRequest("Message can't be edited")
    calls = await chat.press_data(chat.button("30 days"))
    assert [call.method for call in calls] == ["answerCallbackQuery", "editMessageMedia", "sendPhoto"]
