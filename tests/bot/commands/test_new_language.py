"""A new folder of `locales` with the bot: the language is offered in the settings and used at once."""

from pathlib import Path

import pytest

import locales
from bot.menu import discover
from bot.profile.menus import menu
from tests.bot.commands.conftest import Chat
from tests.locales.russian import with_russian


async def test_new_language_is_offered_and_spoken(chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locales, "LANGUAGES", locales.load(with_russian(tmp_path)))
    await chat.say("/settings")
    assert "Language: Русский" in await chat.press("Русский")
    assert (await chat.state()).language == "ru"
    shown = {command.command: command.description for command in menu(list(discover().values()), "ru")}
    assert shown["new"] == "Начать новый разговор"
    assert shown["stop"] == locales.text("en", "command.stop")
