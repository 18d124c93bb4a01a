"""A watch over the webhook: a process with the same token but without PUBLIC_URL removes it, and updates stop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime

from telegram import WebhookInfo
from telegram.error import TelegramError
from telegram.ext import ExtBot

from bot.updates import webhook

log = logging.getLogger(__name__)
CHECK_SECONDS = 60.0
FORBIDDEN = "Wrong response from the webhook: 403"
"""The beginning of Telegram's error if calls bear another secret than ours."""


class WebhookWatch:
    """Sets the webhook again if another process has removed or replaced it, or its secret. `note` tells that."""

    def __init__(self, bot: ExtBot[int], public_url: str, secret: str, note: Callable[[], Awaitable[object]]) -> None:
        self._bot, self._public_url, self._secret, self._note = bot, public_url, secret, note
        self._refused_at: datetime | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._check_often(), name="watch over the webhook")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _check_often(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                await self.check()
            except (TelegramError, OSError) as error:
                log.info("the webhook could not be checked: %s", error)
            except Exception:
                log.exception("the webhook could not be checked")

    async def check(self) -> None:
        """Set the webhook again if needed. Raises TelegramError or OSError if Telegram does not take it."""
        info = await self._bot.get_webhook_info()
        if info.url == webhook.url_of(self._public_url) and not self._is_newly_refused(info):
            return
        self._refused_at = info.last_error_date
        log.warning("another process has replaced the webhook by %s; it is set again", info.url or "none")
        await webhook.register(self._bot, self._public_url, self._secret)
        await self._note()

    def _is_newly_refused(self, info: WebhookInfo) -> bool:
        """Return whether calls with another secret were refused since the last time."""
        at, message = info.last_error_date, info.last_error_message or ""
        return at is not None and message.startswith(FORBIDDEN) and (self._refused_at is None or at > self._refused_at)
