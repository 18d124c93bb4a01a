"""Long polling: updates are stored, then confirmed by the next offset, so that a crash loses none."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from telegram.error import Conflict, Forbidden, InvalidToken, RetryAfter, TelegramError

from bot.delivery.rate_limiter import seconds_of
from bot.requests import FormRequest
from bot.updates.incoming import number_of
from bot.updates.intake import Intake
from bot.updates.polling_turn import TURN_SECONDS, PollingTurn

log = logging.getLogger(__name__)
POLL_SECONDS = 25
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
ALLOWED = (
    "message",
    "edited_message",
    "channel_post",
    "callback_query",
    "pre_checkout_query",
    "my_chat_member",
    "subscription",
    "stopped_message_generation",
    "guest_message",
    "inline_query",
    "chosen_inline_result",
)


class Poller:
    """The getUpdates loop of one bot. If it has a `turn`, it polls only while this process has the turn."""

    def __init__(self, base_url: str, request: FormRequest, intake: Intake, turn: PollingTurn | None = None) -> None:
        self._url, self._request, self._intake, self._turn = f"{base_url}/getUpdates", request, intake, turn
        self._offset = 0
        self._task: asyncio.Task[None] | None = None
        self.conflict_at: datetime | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._loop(), name="polling")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._turn is not None:
            try:
                await self._turn.resign()
            except Exception:
                log.warning("the turn to poll could not be given up; it ends with this process", exc_info=True)

    async def _loop(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                if self._turn is not None and not await self._turn.is_mine():
                    self._offset = 0
                    await asyncio.sleep(TURN_SECONDS)
                    continue
                updates = await self._fetch()
                if updates:
                    await self._intake.store(updates)
                self._offset = next_offset(updates)
                pause = FIRST_PAUSE_SECONDS
            except (InvalidToken, Forbidden):
                log.error("Telegram refuses the bot token, polling stops; correct TELEGRAM_BOT_TOKEN")  # noqa: TRY400 - a traceback would add nothing
                return
            except RetryAfter as error:
                await asyncio.sleep(seconds_of(error))
            except TelegramError as error:
                await self._note(error)
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE_SECONDS, pause * 2)
            except Exception:
                log.exception("updates could not be stored; they are fetched again in %g s", pause)
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE_SECONDS, pause * 2)

    async def _note(self, error: TelegramError) -> None:
        """Log a failed call. A conflict means that another process polls; it is an alert unless that one is ours."""
        if not isinstance(error, Conflict):
            log.info("getUpdates failed and is repeated: %s", error)
        elif self._turn is None or await self._turn.is_foreign_conflict():
            self.conflict_at = datetime.now(UTC)
            log.warning("another process polls this bot, or a webhook is set: %s", error)

    async def _fetch(self) -> list[dict[str, Any]]:
        fields = {"timeout": POLL_SECONDS, "allowed_updates": list(ALLOWED), "limit": 100}
        if self._offset:
            fields["offset"] = self._offset
        answer = await self._request.call(self._url, fields, POLL_SECONDS + 10)
        return answer if isinstance(answer, list) else []


def next_offset(updates: Sequence[Mapping[str, Any]]) -> int:
    """Return the offset that confirms these updates, 0 for none: after a pause, ids may restart at a lower number."""
    return max((number for update in updates if (number := number_of(update)) is not None), default=-1) + 1
