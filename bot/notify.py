"""Notices from the scheduler and from handlers: texts by key, in each reader's language. Nothing here raises.

At Telegram's limit, answers and alerts are sent before notices to tenants.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo
from typing import TypeAlias

from telegram import InlineKeyboardMarkup, InputFile, Message
from telegram.error import BadRequest, Forbidden, TelegramError
from telegram.ext import ExtBot

import locales
from bot.buttons import button, rows
from bot.charts import figures
from bot.formatting.characters import units
from bot.formatting.markdown import Piece, render
from locales.button import Button
from storage.alerts.admin_notices import Undelivered
from storage.database.database import Database
from storage.reports.usage import UsageSpan, UsageTotals
from storage.schedules.zones import zone_of
from storage.tenants import tenant_settings, tenants

log = logging.getLogger(__name__)
MOST_CAPTION_UNITS = 1024
READ_SECONDS = 2.0
NOBODY = 0
"""The user id that replaces the admins if there are none."""

Sent: TypeAlias = tuple[int, int]
"""A message in a chat: (chat id, message id)."""


class TelegramNotifier:
    """Sends notices. A sent notice is identified by its (chat id, message id).

    `priority`, `alarm`: priorities of the bot's rate limiter, for notices to users who are not admins, and for alerts
    without the database.
    """

    def __init__(
        self,
        bot: ExtBot[int],
        db: Database,
        admin_ids: frozenset[int],
        priority: int | None = None,
        alarm: int | None = None,
    ) -> None:
        self._bot, self._db, self._admin_ids, self._priority, self._alarm = bot, db, admin_ids, priority, alarm
        self._readers: dict[int, tuple[str, tzinfo]] = {}  # of the admins, for alerts without the database

    @property
    def admins(self) -> tuple[int, ...]:
        """The admins, or NOBODY if ADMIN_IDS is empty: alerts are then written to the log."""
        return tuple(sorted(self._admin_ids)) or (NOBODY,)

    async def notify(
        self, user_id: int, key: str, values: Mapping[str, object], buttons: Sequence[Button] = ()
    ) -> Sent | None:
        sent = await self.deliver(user_id, key, values, buttons)
        return None if isinstance(sent, Undelivered) else sent

    async def notify_admins(self, key: str, values: Mapping[str, object], buttons: Sequence[Button] = ()) -> None:
        """Send a notice once to each admin, without retries."""
        for user_id in self.admins:
            await self.deliver(user_id, key, values, buttons)

    async def deliver(
        self,
        user_id: int,
        key: str,
        values: Mapping[str, object],
        buttons: Sequence[Button] = (),
        *,
        reply_to: int | None = None,
        chart: UsageSpan | None = None,
    ) -> Sent | Undelivered:
        """Send a notice to one user.

        `chart`: a span whose margin chart is sent too, with the text as its caption if it is short enough.
        """
        if user_id == NOBODY:
            log.warning("ADMIN_IDS is empty, so nobody gets this alert: %s %s", key, dict(values))
            return Undelivered.REFUSED
        language, zone = await self._reader(user_id)
        piece = self._piece(language, zone, key, values)
        try:
            if (
                chart is not None
                and (with_chart := await self._send_chart(user_id, language, piece, chart)) is not None
            ):
                return user_id, with_chart.message_id
            message = await self._bot.send_message(
                user_id,
                piece.text,
                entities=list(piece.entities),
                reply_markup=self._keyboard(language, buttons, user_id),
                reply_to_message_id=reply_to,
                allow_sending_without_reply=True,
                rate_limit_args=None if user_id in self._admin_ids else self._priority,
            )
        except Forbidden:
            if user_id in self._admin_ids:
                log.warning("admin %d has blocked the bot or not started it, and misses: %s", user_id, piece.text)
            await self._db.write(lambda conn: tenant_settings.set_blocked(conn, user_id, True))
            return Undelivered.REFUSED
        except BadRequest as error:
            log.warning("notice %s was not sent to user %d (has this user started the bot?): %s", key, user_id, error)
            return Undelivered.REFUSED
        except TelegramError as error:
            log.warning("notice %s was not sent to user %d: %s", key, user_id, error)
            return Undelivered.UNREACHABLE
        return user_id, message.message_id

    async def deliver_at_once(self, admin: int, key: str, values: Mapping[str, object]) -> Sent | None:
        """Send an alert that the database can't be used. Return None if Telegram didn't take it."""
        if admin == NOBODY:
            return None
        try:
            async with asyncio.timeout(READ_SECONDS):
                language, zone = await self._reader(admin)
        except Exception:  # noqa: BLE001 - of any driver
            language, zone = self._readers.get(admin, (locales.DEFAULT, UTC))
        piece = self._piece(language, zone, key, values)
        try:
            message = await self._bot.send_message(
                admin, piece.text, entities=list(piece.entities), rate_limit_args=self._alarm
            )
        except TelegramError as error:
            log.warning("admin %d was not told of %s: %s", admin, key, error)
            return None
        return admin, message.message_id

    async def remember_admins(self) -> None:
        """Read the language and the time zone of the admins, for `deliver_at_once`."""
        for admin in self._admin_ids:
            await self._reader(admin)

    async def _send_chart(self, user_id: int, language: str, piece: Piece, chart: UsageSpan) -> Message | None:
        """Send the chart with the text as its caption.

        Return None if the text is too long, so that it must be sent separately.
        """
        days = (chart.end - chart.start).days + 1
        words, formats = (
            figures.margin_words(language, days, UsageTotals.of(chart.rows)),
            locales.find(language).formats,
        )
        picture = await asyncio.to_thread(figures.margin, chart.rows, chart.start, chart.end, words, formats)
        fits = units(piece.text) <= MOST_CAPTION_UNITS
        caption, entities = (piece.text, list(piece.entities)) if fits else (None, None)
        sent = await self._bot.send_photo(
            user_id, InputFile(picture, "margin.png"), caption=caption, caption_entities=entities
        )
        return sent if fits else None

    async def edit(
        self,
        sent: Sent,
        key: str,
        values: Mapping[str, object],
        buttons: Sequence[Button] = (),
    ) -> bool:
        language, zone = await self._reader(sent[0])
        piece = self._piece(language, zone, key, values)
        try:
            await self._bot.edit_message_text(
                piece.text,
                chat_id=sent[0],
                message_id=sent[1],
                entities=list(piece.entities),
                reply_markup=self._keyboard(language, buttons, sent[0]),
            )
        except (BadRequest, Forbidden) as error:
            log.debug("a notice can't be edited: %s", error)
        except TelegramError as error:
            log.debug("a notice could not be edited yet: %s", error)
            return False
        return True

    def _piece(self, language: str, zone: tzinfo, key: str, values: Mapping[str, object]) -> Piece:
        texts = {name: translated(language, value, zone) for name, value in values.items()}
        return render(locales.text(language, key, **texts))[0]

    def _keyboard(self, language: str, buttons: Sequence[Button], owner: int) -> InlineKeyboardMarkup | None:
        if not buttons:
            return None
        made = [
            button(locales.text(language, each.key), each.command, each.action, *each.args, owner=owner)
            for each in buttons
        ]
        return rows(made, width=3)

    async def _reader(self, user_id: int) -> tuple[str, tzinfo]:
        """Return the language and the time zone of a user."""
        state = await self._db.read(lambda conn: tenants.by_telegram(conn, user_id))
        found = (state.shown_language if state else "") or locales.DEFAULT, zone_of(state.settings if state else {})
        if user_id in self._admin_ids:
            self._readers[user_id] = found
        return found


def translated(language: str, value: object, zone: tzinfo = UTC) -> object:
    """Translate a value that is itself a text of the locales, {"key": ..., "values": ...}, or a list of such texts.

    A moment is converted to the zone.
    """
    if isinstance(value, list):
        return "\n".join(str(translated(language, each, zone)) for each in value)
    if isinstance(value, dict) and "key" in value:
        values = {name: translated(language, each, zone) for name, each in value["values"].items()}
        return locales.text(language, value["key"], **values)
    return locales.in_zone(value, zone)
