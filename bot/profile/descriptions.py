"""The texts of the bot's profile: the one in an empty chat, and the short one on its page and in shared links.

Telegram limits changes strictly, so each text is read first and set only if it must change. A text that the operator
wrote at BotFather is not replaced: only an empty text, or one that Farthing set before, is replaced.
"""

import logging
from dataclasses import dataclass
from functools import partial

from telegram.error import TelegramError
from telegram.ext import ExtBot

import locales
from storage.database import watermarks
from storage.database.database import Database

log = logging.getLogger(__name__)
DESCRIPTION, SHORT = "profile.description", "profile.short"


async def set_descriptions(bot: ExtBot[int], db: Database) -> None:
    """Update the profile's texts in each language. A refusal by the Bot API is only logged."""
    for key in (DESCRIPTION, SHORT):
        for language in locales.LANGUAGES:
            text = _ProfileText(bot, db, key, language)
            try:
                await text.bring_up_to_date()
            except TelegramError as error:
                log.warning("the profile's text could not be set: %s", error)
                return


@dataclass(frozen=True, slots=True)
class _ProfileText:
    """One text of the profile in one language. Without a text, Telegram shows that of the default language."""

    bot: ExtBot[int]
    db: Database
    key: str
    language: str

    async def bring_up_to_date(self) -> None:
        wanted = locales.text(self.language, self.key)
        shown, ours = await self._shown(), await self.db.read(partial(watermarks.with_prefix, prefix=self._prefix))
        if shown == wanted:
            return
        if shown and shown not in {text for _, text in ours}:
            log.info("the operator's own text %s (%s) of the profile is not replaced", self.key, self.language)
            return
        await self._set(wanted)
        name = f"{self._prefix}{self.language}"
        await self.db.write(partial(watermarks.write, name=name, value=wanted))

    @property
    def _prefix(self) -> str:
        return f"{self.key}:{self.bot.id}:"

    @property
    def _code(self) -> str | None:
        return None if self.language == locales.DEFAULT else self.language

    async def _shown(self) -> str:
        if self.key == DESCRIPTION:
            return (await self.bot.get_my_description(self._code)).description
        return (await self.bot.get_my_short_description(self._code)).short_description

    async def _set(self, text: str) -> None:
        if self.key == DESCRIPTION:
            await self.bot.set_my_description(text, self._code)
        else:
            await self.bot.set_my_short_description(text, self._code)
