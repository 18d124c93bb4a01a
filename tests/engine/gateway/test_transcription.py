"""A recording tried under the provider's keys, hold for and priced: the listener follows a script."""

import asyncio
from dataclasses import replace
from fractions import Fraction
from typing import Any, cast

import pytest

from engine.attempt_record import ANSWERED, MOST_DETAIL_CHARS, NO_SPEECH, AttemptRecord, QuoteLine, Receipt
from engine.catalog.offers import Offer
from engine.errors import (
    Closing,
    InsufficientFunds,
    KeyRefused,
    NoProvider,
    Overloaded,
    ProviderError,
    RateLimited,
    RequestFault,
    RequestRejected,
)
from engine.gateway import transcription
from engine.gateway.transcription import Rate, Transcriber, Transcript, TranscriptionRequest
from engine.holds import Ceiling, HoldRequest
from engine.money import Money
from engine.ports import Bill, Ledger, LimitHeaders
from engine.routing.health import Health, Permit
from engine.speech import Recording, SpeechText
from tests.engine.clock import START, HandClock
from tests.engine.gateway.embeddings.scripts import WalletLedger
from tests.engine.scripted import TENANT, AnswerSetup, ScriptedProvider

OFFER, RECORDING = Offer("one", "whisper"), Recording(b"sound", "recording.ogg", "audio/ogg")
RATE = Rate(Money(667_000), Fraction("1.40"))


class ScriptedSpeech:
    """A speech provider that follows its script, in turn. `used`: the keys that it was called with."""

    name = "one"

    def __init__(self, *script: SpeechText | ProviderError | None, keys: int = 1) -> None:
        self._script, self.keys = list(script), keys
        self.used: list[int] = []
        self.reported: LimitHeaders | None = None

    async def transcribe(self, model: str, recording: Recording, key: int = 0) -> SpeechText:
        assert (model, recording) == ("whisper", RECORDING)
        self.used.append(key)
        step = self._script.pop(0)
        if step is None:
            await asyncio.Event().wait()
        if isinstance(step, Exception):
            raise step
        assert step is not None
        return step

    def limits(self, key: int) -> LimitHeaders | None:
        return self.reported if key == self.used[-1] else None


class Observed:
    """The outcomes that an observer of attempts is told of, with the operation."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, str]] = []

    def attempt_ended(self, attempt: AttemptRecord, finishes: tuple[str, ...], operation: str) -> None:
        assert finishes == ()
        self.ended.append((attempt.outcome, operation))


class Setup:
    """A transcriber with everything around it; `fetched` counts downloads, `kept` lists the texts kept."""

    def __init__(self, speech: ScriptedSpeech, *, rate: Rate = RATE, wallet: Money = Money(10**9)) -> None:
        setup = AnswerSetup(ScriptedProvider("one", []))
        health = Health(setup.market.policy, setup.market.clock, {"one": speech.keys}, lambda: 0.0)
        self.journal, self.ledger, self.observed = setup.journal, WalletLedger(wallet), Observed()
        market = replace(setup.market, health=health, observers=(self.observed,))
        self.transcriber = Transcriber(market, cast("Ledger", self.ledger), speech, OFFER, rate, 600)
        self.speech, self.fetched, self.kept = speech, 0, list[str]()

    def request(self, seconds: int) -> TranscriptionRequest:
        async def fetch() -> Recording:
            self.fetched += 1
            return RECORDING

        def keep(text: str) -> Any:
            return lambda *_: self.kept.append(text)

        return TranscriptionRequest("r:voice", 3, seconds, fetch, keep)

    async def transcribe(self, seconds: int = 12) -> str:
        return (await self.transcriber.transcribe(TENANT, self.request(seconds))).text


def test_price_of_a_minute_is_divided_once() -> None:
    assert (RATE.cost(13), RATE.charge(13)) == (Money(144_517), Money(202_323))


@pytest.mark.parametrize(("seconds", "billed"), [(0, 10), (9.2, 10), (10, 10), (10.01, 11), (61, 61)])
def test_begun_seconds_are_billed_and_at_least_the_shortest_length(seconds: float, billed: int) -> None:
    assert Rate(Money(1), Fraction(1), least_seconds=10).billed_seconds(seconds) == billed


@pytest.mark.parametrize("wallet", [Money(0), Money(10**9)])
async def test_own_server_may_cost_nothing(wallet: Money) -> None:
    setup = Setup(ScriptedSpeech(SpeechText("hello", 12)), rate=Rate(Money(0), Fraction("1.40")), wallet=wallet)
    assert await setup.transcribe() == "hello"


async def test_length_reported_by_the_provider_is_billed() -> None:
    setup = Setup(ScriptedSpeech(SpeechText("hello", 4.2)))
    assert await setup.transcribe(12) == "hello"
    assert setup.ledger.held is not None
    assert setup.ledger.held.grant.wallet == Money.ceil_atto(13 * RATE.minute_atto, RATE.tariff.times)
    bill = setup.ledger.held.bill
    assert bill is not None
    assert (bill.attempt.cost, bill.attempt.waste) == (RATE.cost(5), Money(0))
    assert setup.kept == ["hello"]


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


async def test_length_by_the_app_is_billed_where_the_provider_reports_none() -> None:
    setup = Setup(ScriptedSpeech(SpeechText("hello")))
    await setup.transcribe(12)
    assert setup.ledger.held is not None
    assert setup.ledger.held.bill is not None
    assert setup.ledger.held.bill.attempt.cost == RATE.cost(12)


async def test_next_key_is_tried_after_a_refused_one() -> None:
    speech = ScriptedSpeech(KeyRefused("no", status=401), RateLimited("slow"), SpeechText("hello", 12), keys=3)
    setup = Setup(speech)
    assert await setup.transcribe() == "hello"
    assert sorted(speech.used) == [0, 1, 2]
    assert setup.journal.outcomes() == [("one", "key_refused"), ("one", "rate_limited")]
    assert setup.ledger.held is not None
    assert setup.ledger.held.bill is not None
    assert setup.ledger.held.bill.attempt.ordinal == 3


async def test_other_keys_are_not_tried_when_the_server_is_down() -> None:
    speech = ScriptedSpeech(Overloaded("503", status=503), keys=2)
    setup = Setup(speech)
    with pytest.raises(NoProvider) as raised:
        await setup.transcribe()
    assert raised.value.tried == ("one: overloaded",)
    assert len(speech.used) == 1
    assert setup.kept == []


async def test_unreadable_recording_is_the_requests_own_fault() -> None:
    setup = Setup(ScriptedSpeech(RequestFault("Invalid file format.")))
    with pytest.raises(RequestRejected, match="the provider refuses it as invalid"):
        await setup.transcribe()
    assert setup.journal.outcomes() == [("one", "bad_request")]


async def test_resting_provider_is_not_asked() -> None:
    speech = ScriptedSpeech()
    setup = Setup(speech)
    setup.transcriber.market.health.drain("one")
    with pytest.raises(NoProvider):
        await setup.transcribe()
    assert speech.used == []
    assert setup.journal.records == []


async def test_recording_is_not_fetched_without_money() -> None:
    speech = ScriptedSpeech()
    setup = Setup(speech, wallet=Money(1000))
    with pytest.raises(InsufficientFunds) as raised:
        await setup.transcribe(12)
    assert raised.value.shortfall.wallet_only
    assert raised.value.shortfall.missing == Money(202_324 - 1000)
    assert (setup.fetched, speech.used) == (0, [])


async def test_transcription_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcription, "TIMEOUT_SECONDS", 0.0)
    setup = Setup(ScriptedSpeech(None))
    with pytest.raises(NoProvider):
        await setup.transcribe()
    assert setup.journal.outcomes() == [("one", "timeout")]
    assert setup.transcriber.market.health.state("one").failures == 1


async def test_closed_transcriber_ends_its_work_and_takes_no_more() -> None:
    speech = ScriptedSpeech(None)
    setup = Setup(speech)
    running = asyncio.create_task(setup.transcribe())
    async with asyncio.timeout(10):
        while not speech.used:
            await asyncio.sleep(0)
    setup.transcriber.close(0)
    with pytest.raises(Closing):
        await running
    assert setup.journal.outcomes() == [("one", "closing")]
    assert setup.transcriber.market.health.state("one").failures == 0
    with pytest.raises(Closing):
        await setup.transcribe()
    assert setup.fetched == 1


async def test_cancelled_transcription_leaves_the_probe_to_the_next() -> None:
    speech = ScriptedSpeech(None, SpeechText("hello", 12))
    setup = Setup(speech)
    market = setup.transcriber.market
    for _ in range(market.policy.failures_to_open):
        permit = market.health.admit(OFFER)
        assert isinstance(permit, Permit)
        market.health.failed(permit, Overloaded("503", status=503))
    cast("HandClock", market.clock).wait(market.policy.rest_seconds + 1)
    running = asyncio.create_task(setup.transcribe())
    async with asyncio.timeout(10):
        while not speech.used:
            await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await setup.transcribe() == "hello"


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
    async with asyncio.timeout(10):
        while len(setup.speech.used) < 2:
            await asyncio.sleep(0)
    clock.wait(1.5)
    setup.transcriber.close(0)
    with pytest.raises(Closing):
        await running
    assert [record.duration_ms for record in setup.journal.records] == [0, 1500]


async def test_no_further_key_is_tried_when_all_were() -> None:
    speech = ScriptedSpeech(KeyRefused("no"), KeyRefused("no"), keys=2)
    setup = Setup(speech)
    with pytest.raises(NoProvider) as failed:
        await setup.transcribe()
    assert failed.value.tried == ("one: key_refused", "one: key_refused")
    assert sorted(speech.used) == [0, 1]
