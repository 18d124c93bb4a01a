"""The records, bills and holds of transcriptions."""

import asyncio
from typing import Any, cast

import pytest

from engine.attempt_record import ANSWERED, MOST_DETAIL_CHARS, NO_SPEECH, AttemptRecord, QuoteLine, Receipt
from engine.errors import (
    Closing,
    NoProvider,
    Overloaded,
    RateLimited,
    RequestFault,
    RequestRejected,
)
from engine.gateway.transcription import Transcript
from engine.holds import Ceiling, HoldRequest
from engine.ports import Bill, LimitHeaders
from engine.routing.health import Permit
from engine.speech import SpeechText
from tests.engine.clock import START, HandClock
from tests.engine.gateway.transcribing import OFFER, RATE, ScriptedSpeech, Setup
from tests.engine.scripted import TENANT


def record(outcome: str, **more: Any) -> AttemptRecord:
    """Return the record of a first attempt that takes no time."""
    return AttemptRecord(
        request_id="r:voice",
        ordinal=1,
        tenant_id=TENANT.id,
        key_id=None,
        asked="one/whisper",
        provider="one",
        model="whisper",
        outcome=outcome,
        started_at=START,
        duration_ms=0,
        **more,
    )


async def test_bill_names_the_request_the_attempt_and_the_quote() -> None:
    setup = Setup(ScriptedSpeech(SpeechText("hello", 4.2)))
    await setup.transcribe(12)
    cost = RATE.cost(5)
    attempt = record(ANSWERED, cost=cost, kept=True)
    receipt = Receipt("r:voice", "one/whisper", START, (QuoteLine("one", "whisper", cost),), (), (attempt,))
    assert setup.ledger.held is not None
    assert setup.ledger.held.bill == Bill(attempt, 0, 5 * RATE.minute_atto, receipt)
    assert setup.observed.ended == [(ANSWERED, "transcription")]


async def test_hold_is_for_the_seconds_of_the_request() -> None:
    setup = Setup(ScriptedSpeech(SpeechText("hello", 4.2)))
    await setup.transcribe(12)
    seconds = (Ceiling(RATE.minute_atto, 0, 1),)
    assert setup.ledger.hold_request == HoldRequest("r:voice", 3, TENANT.id, RATE.tariff, 13, seconds)


async def test_failed_attempt_is_journaled_with_its_status_and_the_begin_of_its_detail() -> None:
    setup = Setup(ScriptedSpeech(Overloaded("x" * 1000, status=503)))
    with pytest.raises(NoProvider):
        await setup.transcribe()
    assert setup.journal.records == [record("overloaded", status=503, detail="x" * MOST_DETAIL_CHARS)]
    assert setup.observed.ended == [("overloaded", "transcription")]


async def test_refused_recording_names_the_provider() -> None:
    setup = Setup(ScriptedSpeech(RequestFault("Invalid file format.")))
    with pytest.raises(RequestRejected, match=r"^one "):
        await setup.transcribe()


async def test_failure_says_when_a_provider_may_be_asked_again() -> None:
    setup = Setup(ScriptedSpeech(RateLimited("slow", retry_after_seconds=30)))
    clock = cast("HandClock", setup.transcriber.market.clock)
    for seconds in (30, 20):
        with pytest.raises(NoProvider) as failed:
            await setup.transcribe()
        assert failed.value.retry_after_seconds == seconds
        clock.wait(10)


async def test_limits_in_the_headers_of_an_answer_count_for_the_next() -> None:
    speech = ScriptedSpeech(SpeechText("hello", 12), keys=2)
    speech.reported = LimitHeaders(requests_left=0, requests_reset_seconds=50)
    setup = Setup(speech)
    await setup.transcribe()
    health = setup.transcriber.market.health
    [used] = speech.used
    permits = [health.admit(OFFER) for _ in range(4)]
    assert {permit.key for permit in permits if isinstance(permit, Permit)} == {1 - used}


async def test_recording_without_speech_is_waste_and_not_charged() -> None:
    setup = Setup(ScriptedSpeech(SpeechText("", 7)))
    assert await setup.transcribe() == ""
    [record] = setup.journal.records
    assert (record.outcome, record.kept) == (NO_SPEECH, False)
    assert record.cost == record.waste == RATE.cost(7)
    assert setup.ledger.held is not None
    assert (setup.ledger.held.bill, setup.kept) == (None, [])


async def test_cost_beyond_the_hold_is_waste() -> None:
    setup = Setup(ScriptedSpeech(SpeechText("hello", 20)))
    await setup.transcribe(12)
    assert setup.ledger.held is not None
    bill = setup.ledger.held.bill
    assert bill is not None
    assert (bill.attempt.cost, bill.attempt.waste) == (RATE.cost(20), RATE.cost(20) - RATE.cost(13))
    assert bill.cost_atto == 20 * RATE.minute_atto
    assert bill.attempt.kept


@pytest.mark.parametrize(("seconds", "understated"), [(26, False), (26.1, True)])
async def test_length_is_understated_above_twice_the_held_one(seconds: float, understated: bool) -> None:
    setup = Setup(ScriptedSpeech(SpeechText("hello", seconds)))
    transcript = await setup.transcriber.transcribe(TENANT, setup.request(12))
    assert transcript == Transcript("hello", understated)


async def test_duration_of_each_attempt_is_measured_from_its_own_start() -> None:
    setup = Setup(ScriptedSpeech(RateLimited("slow"), None, keys=2))
    clock = cast("HandClock", setup.transcriber.market.clock)
    running = asyncio.create_task(setup.transcribe())
    async with asyncio.timeout(60):
        while len(setup.speech.used) < 2:
            await asyncio.sleep(0)
    clock.wait(1.5)
    setup.transcriber.close(0)
    with pytest.raises(Closing):
        await running
    assert [record.duration_ms for record in setup.journal.records] == [0, 1500]
