"""The profile's texts are set once, follow Farthing's new texts, and don't replace the operator's own."""

import logging
from typing import Any

import pytest
from telegram.ext import ExtBot

import locales
from bot.profile.descriptions import DESCRIPTION, SHORT, set_descriptions
from sandbox.app import Sandbox
from sandbox.telegram.commands import MOST_PROFILE_DESCRIPTION, MOST_SHORT_DESCRIPTION
from storage.database import watermarks
from storage.database.database import Database


def changes(sandbox: Sandbox) -> list[str]:
    return [name for name, _ in sandbox.world.calls if name.startswith("set")]


@pytest.mark.parametrize("language", locales.LANGUAGES)
def test_texts_fit_telegrams_limits(language: str) -> None:
    assert len(locales.text(language, DESCRIPTION)) <= MOST_PROFILE_DESCRIPTION
    assert len(locales.text(language, SHORT)) <= MOST_SHORT_DESCRIPTION


async def test_texts_are_set_in_each_language_at_the_first_start_alone(
    sandbox: Sandbox, bot: ExtBot[Any], db: Database
) -> None:
    await set_descriptions(bot, db)
    assert changes(sandbox) == ["setMyDescription"] * 2 + ["setMyShortDescription"] * 2
    for code, language in ((None, "en"), ("vi", "vi")):
        assert (await bot.get_my_description(code)).description == locales.text(language, DESCRIPTION)
        assert (await bot.get_my_short_description(code)).short_description == locales.text(language, SHORT)
    await set_descriptions(bot, db)
    assert len(changes(sandbox)) == 4


async def test_text_of_an_earlier_version_is_replaced(bot: ExtBot[Any], db: Database) -> None:
    await bot.set_my_description("Farthing, some time ago")
    await db.write(lambda conn: watermarks.write(conn, f"{DESCRIPTION}:{bot.id}:en", "Farthing, some time ago"))
    await set_descriptions(bot, db)
    assert (await bot.get_my_description()).description == locales.text("en", DESCRIPTION)
    assert (await bot.get_my_description("vi")).description == locales.text("vi", DESCRIPTION)


async def test_operators_own_text_stays(bot: ExtBot[Any], db: Database) -> None:
    await bot.set_my_description("My own bot")
    await bot.set_my_short_description("Của tôi", "vi")
    await set_descriptions(bot, db)
    assert (await bot.get_my_description()).description == "My own bot"
    assert (await bot.get_my_short_description("vi")).short_description == "Của tôi"
    assert (await bot.get_my_short_description()).short_description == locales.text("en", SHORT)


async def test_refusal_ends_the_attempt_until_the_next_start(
    sandbox: Sandbox, bot: ExtBot[Any], db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.world.profile_changes["description", ""] = [sandbox.world.now()] * 5
    with caplog.at_level(logging.WARNING):
        await set_descriptions(bot, db)
    assert "the profile's text could not be set" in caplog.text
    assert changes(sandbox) == ["setMyDescription"]
