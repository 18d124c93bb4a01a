"""Notices from a process without the bot, such as `web` or `clock` alone: messages are sent, no updates are taken."""

from telegram.ext import ExtBot

from bot.config import BotConfig
from bot.delivery.rate_limiter import RateLimiter
from bot.notify import TelegramNotifier
from bot.requests import FormRequest
from storage.database.database import Database


class Notices:
    """A component with a notifier. Its start makes no call, so that it does not depend on Telegram."""

    def __init__(self, config: BotConfig, db: Database) -> None:
        self._request, self._limiter = FormRequest(), RateLimiter()
        bot: ExtBot[int] = ExtBot(
            config.token,
            base_url=f"{config.api_url.rstrip('/')}/bot",
            request=self._request,
            get_updates_request=self._request,
            rate_limiter=self._limiter,
        )
        self.notifier = TelegramNotifier(bot, db, config.admin_ids)

    async def start(self) -> None:
        await self._request.initialize()
        await self._limiter.initialize()

    async def quiet(self) -> None:
        """Do nothing: notices of work in progress are still sent."""

    async def stop(self) -> None:
        await self._limiter.shutdown()
        await self._request.shutdown()
