"""LateBot: if Telegram can't be reached at the start of an HTTP process, the bot is started later."""

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.app import Bot

log = logging.getLogger("farthing")
RETRY_SECONDS = 5.0


class LateBot:
    """A component around the bot. If Telegram refuses the token, the start still fails."""

    def __init__(self, bot: "Bot") -> None:
        self._bot = bot
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the bot, or try again in the background. Raises TokenRefusedError."""
        if not await self._started():
            self._task = asyncio.create_task(self._start_later(), name="start of the bot")

    async def quiet(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._bot.quiet()

    async def stop(self) -> None:
        await self._bot.stop()

    async def _start_later(self) -> None:
        started = False
        while not started:
            await asyncio.sleep(RETRY_SECONDS)
            try:
                started = await self._started()
            except OSError as refused:
                log.error("the bot does not start: %s", refused)  # noqa: TRY400 - the sentence says all
                return

    async def _started(self) -> bool:
        from bot.app import TokenRefusedError  # noqa: PLC0415 - a process without the bot saves 10 MB

        try:
            await self._bot.start()
        except TokenRefusedError:
            raise
        except OSError as error:
            log.warning("HTTP is served without the bot, which is tried again every %g s: %s", RETRY_SECONDS, error)
            return False
        return True
