"""Journeys of updates that a process could not finish, or that a dead process left."""

import asyncio
import json
from typing import Any

import pytest

from bot.delivery.rate_limiter import RateLimiter
from storage.telegram import inbox
from tests.journeys.conftest import ANN, Journey


def limiter_of(journey: Journey) -> RateLimiter:
    limiter = journey.bot.bot.rate_limiter
    assert isinstance(limiter, RateLimiter)
    return limiter


async def test_full_disk_at_the_end_of_an_update_does_not_block_its_chat(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = inbox.finish_all

    def failing(*_: Any) -> bool:
        raise OSError("the disk is full")

    monkeypatch.setattr(inbox, "finish_all", failing)
    await journey.ask("/help")
    async with asyncio.timeout(60):
        while journey.bot._intake._workers:
            await asyncio.sleep(0.01)
    monkeypatch.setattr(inbox, "finish_all", real)
    assert not limiter_of(journey).is_slow(ANN)
    assert await journey.bot.take_up() == 1
    await journey.idle()
    assert "stand-in" in await journey.ask("tell me about the sea")
    await journey.check_books()


async def test_drafts_start_slowly_in_a_chat_of_a_dead_process(journey: Journey) -> None:
    services, key = journey.bot._services, f"{ANN}:0"
    chat = {"id": ANN, "type": "private"}
    said = {"message_id": 1, "date": 1, "chat": chat, "from": {"id": ANN, "is_bot": False, "first_name": "Ann"}}
    payload = json.dumps({"update_id": 10**9, "message": said})
    await services.db.write(
        lambda conn: (
            inbox.store(
                conn,
                services.bot_id,
                [inbox.IncomingUpdate(10**9, key, inbox.CHAT, payload)],
                services.clock.now(),
            ),
            inbox.claim_next(conn, services.bot_id, key, "dead"),
        )
    )
    assert not limiter_of(journey).is_slow(ANN)
    await journey.bot.take_up()
    assert limiter_of(journey).is_slow(ANN)
    await journey.idle()
