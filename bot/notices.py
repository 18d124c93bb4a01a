"""Telegram for a process without updates, such as `clock`: notices, and the Star payments of jobs."""

from collections.abc import Callable

from telegram.ext import ExtBot

from bot.config import BotConfig
from bot.delivery.rate_limiter import Priority, RateLimiter
from bot.notify import TelegramNotifier
from bot.payments.stars import StarsClient
from bot.requests import FormRequest
from storage.database.database import Database


class Notices:
    """A component with a notifier and the Star payments. Starting it makes no call, so Telegram may be unavailable."""

    def __init__(self, config: BotConfig, db: Database, may_call: Callable[[], bool]) -> None:
        """`may_call` is called right before each message; if it returns False, the message is not sent."""
        self._request, self._limiter = FormRequest(config.proxy), RateLimiter(may_call=may_call)
        bot: ExtBot[int] = ExtBot(
            config.token,
            base_url=f"{config.api_url.rstrip('/')}/bot",
            request=self._request,
            get_updates_request=self._request,
            rate_limiter=self._limiter,
        )
        self.notifier = TelegramNotifier(bot, db, config.admin_ids, Priority.NOTICE, Priority.ALARM)
        self.stars = StarsClient(bot)

    @property
    def clock_skew_seconds(self) -> float | None:
        return self._request.clock_skew_seconds

    @property
    def conflict_at(self) -> None:
        """None: this process does not poll."""

    async def start(self) -> None:
        await self._request.initialize()
        await self._limiter.initialize()

    async def quiet(self) -> None:
        """Do nothing: notices from running work are still sent."""

    async def stop(self) -> None:
        await self._limiter.shutdown()
        await self._request.shutdown()
