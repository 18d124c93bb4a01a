"""A recording tried with each of the provider's keys, held and priced; the speech provider follows a script."""

import asyncio
from fractions import Fraction
from typing import cast

import pytest

from engine.errors import (
    Closing,
    InsufficientFunds,
    KeyRefused,
    NoProvider,
    Overloaded,
    RateLimited,
    RequestFault,
    RequestRejected,
)
from engine.gateway import transcription
from engine.gateway.transcription import Rate
from engine.money import Money
from engine.routing.health import Permit
from engine.routing.key_health import LONGEST_REST_SECONDS
from engine.speech import SpeechText
from tests.engine.clock import HandClock
from tests.engine.gateway.transcribing import OFFER, RATE, ScriptedSpeech, Setup


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
    async with asyncio.timeout(60):
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
    async with asyncio.timeout(60):
        while not speech.used:
            await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await setup.transcribe() == "hello"


async def test_no_further_key_is_tried_when_all_were() -> None:
    speech = ScriptedSpeech(KeyRefused("no"), KeyRefused("no"), keys=2)
    setup = Setup(speech)
    with pytest.raises(NoProvider) as failed:
        await setup.transcribe()
    assert failed.value.tried == ("one: key_refused", "one: key_refused")
    assert sorted(speech.used) == [0, 1]


async def test_key_that_may_be_used_again_at_once_is_not_used_twice_for_one_recording() -> None:
    speech = ScriptedSpeech(RateLimited("slow", retry_after_seconds=0))
    setup = Setup(speech)
    with pytest.raises(NoProvider) as failed:
        await setup.transcribe()
    assert failed.value.tried == ("one: rate_limited",)
    assert speech.used == [0]
    assert not setup.transcriber.market.health.offer_health("one", "whisper").pending.began_at


async def test_wait_is_the_one_that_health_names() -> None:
    setup = Setup(ScriptedSpeech())
    setup.transcriber.market.health.drain("one")
    with pytest.raises(NoProvider) as failed:
        await setup.transcribe()
    assert failed.value.retry_after_seconds == LONGEST_REST_SECONDS
