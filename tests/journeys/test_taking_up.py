"""Journeys of updates that a process could not finish, or that a dead process left."""

import asyncio
import json
from typing import Any

import pytest

from bot.delivery.rate_limiter import RateLimiter
from engine.tenancy import Charge
from storage.ledger import expiry
from storage.ledger.ledger import SqlHold
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


async def test_question_whose_hold_expired_while_the_process_stood_still_is_answered_again(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock ends the holds of a process that stands still; no other process takes its update over in time."""
    services, real = journey.bot._services, SqlHold.capture
    epochs: list[str] = []

    async def capture(hold: SqlHold, *args: Any) -> Charge:
        epochs.append(hold.id.rpartition(":")[2])
        if len(epochs) == 1:
            await services.db.write(lambda conn: expiry.expire_holds(conn, services.clock.now(), lambda _: True))
        return await real(hold, *args)

    monkeypatch.setattr(SqlHold, "capture", capture)
    assert "stand-in" in await journey.ask("tell me about the sea")
    assert epochs == ["1", "2"]
    await journey.check_books()


async def test_stopped_question_is_not_answered_again_where_its_hold_expired(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, world, real = journey.bot._services, journey.sandbox.world, SqlHold.capture
    captures: list[str] = []

    async def capture(hold: SqlHold, *args: Any) -> Charge:
        captures.append(hold.id)
        await services.db.write(lambda conn: expiry.expire_holds(conn, services.clock.now(), lambda _: True))
        return await real(hold, *args)

    monkeypatch.setattr(SqlHold, "capture", capture)
    journey.sandbox.stand_ins._word_seconds = 0.5
    world.say(ANN, ANN, "tell me at length about the sea")
    while not any(draft["text"] for draft in world.chats[ANN].drafts.values()):
        await asyncio.sleep(0.01)
    world.say(ANN, ANN, "/stop")
    await journey.idle()
    assert len(captures) == 1
    assert [each["state"] for each in await journey.rows("SELECT state FROM questions")] == ["cut"]
    assert [each["state"] for each in await journey.rows("SELECT state FROM holds")] == ["expired"]
    await journey.check_books()


async def test_command_of_a_process_whose_lease_lapsed_is_run_again(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    lapsed = [True]
    monkeypatch.setattr(limiter_of(journey), "_may_call", lambda: not (lapsed and lapsed.pop()))
    assert "What I can do" in await journey.ask("/help")
    assert lapsed == []
    await journey.idle()
    assert journey.bot._intake._claims == {}
