"""A recording tried under the provider's keys, held for and priced: the listener follows a script."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from fractions import Fraction
from typing import Any, cast

import pytest

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
from engine.gateway.transcription import Rate, Spoken, Transcriber
from engine.holds import Funds, Grant, HoldRequest, fit
from engine.money import Money
from engine.ports import Hold, Ledger, LimitHeaders
from engine.routing.health import Health, Permit
from engine.speech import Recording, SpeechText
from tests.engine.clock import HandClock
from tests.engine.scripted import TENANT, Held, Scripted, Stage

OFFER, RECORDING = Offer("one", "whisper"), Recording(b"sound", "recording.ogg", "audio/ogg")
RATE = Rate(Money(667_000), Fraction("1.40"))


class Ear:
    """Says what its script says, in turn; which keys were used."""

    name = "one"

    def __init__(self, *script: SpeechText | ProviderError | None, keys: int = 1) -> None:
        self._script, self.keys = list(script), keys
        self.used: list[int] = []

    async def hear(self, model: str, recording: Recording, key: int = 0) -> SpeechText:
        assert (model, recording) == ("whisper", RECORDING)
        self.used.append(key)
        step = self._script.pop(0)
        if step is None:
            await asyncio.Event().wait()
        if isinstance(step, Exception):
            raise step
        assert step is not None
        return step

    def limits(self, key: int) -> LimitHeaders | None:  # noqa: ARG002
        return None


class Purse:
    """A ledger with so much money in it, which remembers its last hold_request and hold."""

    def __init__(self, wallet: Money = Money(10**9)) -> None:
        self.wallet = wallet
        self.hold_request: HoldRequest | None = None
        self.held: Held | None = None

    @asynccontextmanager
    async def hold(self, hold_request: HoldRequest) -> AsyncIterator[Hold]:
        self.hold_request = hold_request
        sized = fit(hold_request, Funds(0, self.wallet))
        if not isinstance(sized, Grant):
            raise InsufficientFunds(sized)
        self.held = Held(sized)
        yield cast("Hold", self.held)


class Room:
    """A transcriber with everything around it; `fetched` counts downloads, `kept` is what was written down."""

    def __init__(self, ear: Ear, *, rate: Rate = RATE, wallet: Money = Money(10**9)) -> None:
        stage = Stage(Scripted("one", []))
        health = Health(stage.market.policy, stage.market.clock, {"one": ear.keys})
        self.book, self.purse = stage.book, Purse(wallet)
        market = replace(stage.market, health=health)
        self.transcriber = Transcriber(market, cast("Ledger", self.purse), ear, OFFER, rate, 600)
        self.fetched, self.kept = 0, list[str]()

    async def hear(self, seconds: int = 12) -> str:
        async def fetch() -> Recording:
            self.fetched += 1
            return RECORDING

        def keep(text: str) -> Any:
            return lambda *_: self.kept.append(text)

        return (await self.transcriber.transcribe(TENANT, Spoken("r:voice", 1, seconds, fetch, keep))).text


def test_a_price_a_minute_is_divided_once() -> None:
    assert (RATE.cost(13), RATE.charge(13)) == (Money(144_517), Money(202_323))


@pytest.mark.parametrize(("seconds", "billed"), [(0, 10), (9.2, 10), (10, 10), (10.01, 11), (61, 61)])
def test_begun_seconds_are_billed_and_the_shortest_length_at_least(seconds: float, billed: int) -> None:
    assert Rate(Money(1), Fraction(1), least_seconds=10).billed_seconds(seconds) == billed


@pytest.mark.parametrize("wallet", [Money(0), Money(10**9)])
async def test_a_server_of_ones_own_may_cost_nothing(wallet: Money) -> None:
    room = Room(Ear(SpeechText("hello", 12)), rate=Rate(Money(0), Fraction("1.40")), wallet=wallet)
    assert await room.hear() == "hello"


async def test_the_length_that_the_provider_reports_is_billed() -> None:
    room = Room(Ear(SpeechText("hello", 4.2)))
    assert await room.hear(12) == "hello"
    assert room.purse.held is not None
    assert room.purse.held.grant.wallet == Money.ceil_atto(13 * RATE.minute_atto, RATE.tariff.times)
    bill = room.purse.held.bill
    assert bill is not None
    assert (bill.attempt.cost, bill.attempt.waste) == (RATE.cost(5), Money(0))
    assert room.kept == ["hello"]


async def test_where_it_reports_none_the_apps_word_is_taken() -> None:
    room = Room(Ear(SpeechText("hello")))
    await room.hear(12)
    assert room.purse.held is not None
    assert room.purse.held.bill is not None
    assert room.purse.held.bill.attempt.cost == RATE.cost(12)


async def test_a_key_that_was_refused_makes_room_for_the_next() -> None:
    ear = Ear(KeyRefused("no", status=401), RateLimited("slow"), SpeechText("hello", 12), keys=3)
    room = Room(ear)
    assert await room.hear() == "hello"
    assert sorted(ear.used) == [0, 1, 2]
    assert room.book.told() == [("one", "key_refused"), ("one", "rate_limited")]
    assert room.purse.held is not None
    assert room.purse.held.bill is not None
    assert room.purse.held.bill.attempt.ordinal == 3


async def test_another_key_does_not_help_a_server_that_is_down() -> None:
    ear = Ear(Overloaded("503", status=503), keys=2)
    room = Room(ear)
    with pytest.raises(NoProvider) as raised:
        await room.hear()
    assert raised.value.tried == ("one: overloaded",)
    assert len(ear.used) == 1
    assert room.kept == []


async def test_what_nobody_could_hear_is_the_requests_own_fault() -> None:
    room = Room(Ear(RequestFault("Invalid file format.")))
    with pytest.raises(RequestRejected, match="Invalid file format"):
        await room.hear()
    assert room.book.told() == [("one", "bad_request")]


async def test_who_rests_is_not_asked() -> None:
    ear = Ear()
    room = Room(ear)
    room.transcriber.market.health.drain("one")
    with pytest.raises(NoProvider):
        await room.hear()
    assert ear.used == []
    assert room.book.lines == []


async def test_without_money_nothing_is_fetched() -> None:
    ear = Ear()
    room = Room(ear, wallet=Money(1000))
    with pytest.raises(InsufficientFunds) as raised:
        await room.hear(12)
    assert raised.value.shortfall.wallet_only
    assert raised.value.shortfall.missing == Money(202_324 - 1000)
    assert (room.fetched, ear.used) == (0, [])


async def test_patience_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcription, "PATIENCE_SECONDS", 0.0)
    room = Room(Ear(None))
    with pytest.raises(NoProvider):
        await room.hear()
    assert room.book.told() == [("one", "timeout")]
    assert room.transcriber.market.health.state("one").failures == 1


async def test_a_closed_transcriber_ends_what_it_hears_and_takes_nothing_more() -> None:
    ear = Ear(None)
    room = Room(ear)
    hearing = asyncio.create_task(room.hear())
    async with asyncio.timeout(10):
        while not ear.used:
            await asyncio.sleep(0)
    room.transcriber.close(0)
    with pytest.raises(Closing):
        await hearing
    assert room.book.told() == [("one", "closing")]
    assert room.transcriber.market.health.state("one").failures == 0
    with pytest.raises(Closing):
        await room.hear()
    assert room.fetched == 1


async def test_who_hangs_up_leaves_a_probes_place_free() -> None:
    ear = Ear(None, SpeechText("hello", 12))
    room = Room(ear)
    market = room.transcriber.market
    for _ in range(market.policy.failures_to_open):
        permit = market.health.admit(OFFER)
        assert isinstance(permit, Permit)
        market.health.failed(permit, Overloaded("503", status=503))
    cast("HandClock", market.clock).wait(market.policy.rest_seconds + 1)
    hearing = asyncio.create_task(room.hear())
    async with asyncio.timeout(10):
        while not ear.used:
            await asyncio.sleep(0)
    hearing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hearing
    assert await room.hear() == "hello"
