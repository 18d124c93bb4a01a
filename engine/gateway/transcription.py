"""Transcriber: a recording put into writing, held for and charged as an answer is, under a request id of its own.

The hold covers the length that the sender's app gives, a second more for what it rounded off, and the shortest length
that is billed. Charged is the length that the provider reports: nobody is billed by the word of an app, and what a bill
has over its hold is waste. Where nothing was said, and where nobody could hear, nothing is charged.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction

from engine import attempt_record as outcomes
from engine.attempt_record import AttemptRecord, QuoteLine, Receipt
from engine.catalog.offers import Offer
from engine.errors import (
    BalanceGone,
    Closing,
    FirstTokenLate,
    KeyRefused,
    NoProvider,
    ProviderError,
    RateLimited,
    RequestFault,
    RequestRejected,
)
from engine.gateway.market import Market
from engine.holds import Ceiling, HoldRequest
from engine.money import ATTO_PER_NANO, ZERO, Money
from engine.ports import Bill, CaptureStep, Hold, Ledger, SpeechProvider
from engine.routing.health import Permit
from engine.speech import Recording, SpeechText
from engine.tenancy import Markup, Tenant

PATIENCE_SECONDS = 120.0
GRACE_SECONDS = 10.0
ROUNDED_OFF_SECONDS = 1
TRUSTED_TIMES = 2
_OF_ONE_KEY = (RateLimited, KeyRefused, BalanceGone)


@dataclass(frozen=True, slots=True)
class Rate:
    """What a minute costs the house, and how many times that a tenant pays. Whole seconds are billed, begun ones too.

    A second's price is no whole number of atto-dollars: it is a minute's that is multiplied, and divided once.
    """

    per_minute: Money
    markup: Fraction
    least_seconds: int = 0

    def billed_seconds(self, seconds: float) -> int:
        return max(math.ceil(seconds), self.least_seconds)

    def cost(self, billed_seconds: int) -> Money:
        """Exact, rounded once."""
        return Money.from_atto(billed_seconds * self.minute_atto, Fraction(1, 60))

    def charge(self, billed_seconds: int) -> Money:
        """What a tenant pays for it."""
        return Money.from_atto(billed_seconds * self.minute_atto, self.tariff.times)

    @property
    def minute_atto(self) -> int:
        return self.per_minute.nanousd * ATTO_PER_NANO

    @property
    def tariff(self) -> Markup:
        """Of seconds at a minute's price."""
        return Markup(self.markup / 60)


@dataclass(frozen=True, slots=True)
class Spoken:
    """What is to be written down: `seconds` as the sender's app has it, `fetch` brings it once it is held for.

    `id` comes from the update, so that a retry is the same request. `keep` is given the text and returns the unit that
    runs in the capture's transaction.
    """

    id: str
    epoch: int
    seconds: int
    fetch: Callable[[], Awaitable[Recording]]
    keep: Callable[[str], CaptureStep]


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said; nothing where nothing was. `understated`: it was more than twice as long as what was held for."""

    text: str
    understated: bool = False


@dataclass(slots=True)
class Transcriber:
    """Hears recordings at one offer, as long as `most_seconds`."""

    market: Market
    ledger: Ledger
    listener: SpeechProvider
    offer: Offer
    rate: Rate
    most_seconds: int
    _running: set[asyncio.Timeout] = field(default_factory=set)
    _closing: bool = False

    async def transcribe(self, tenant: Tenant, spoken: Spoken) -> Transcript:
        """What was said, kept and charged; nothing where nothing was said, uncharged.

        Raises InsufficientFunds or HoldLost before `fetch`, what `fetch` raises, RequestRejected, NoProvider, Closing.
        """
        if self._closing:
            raise Closing
        held_seconds = self.rate.billed_seconds(spoken.seconds + ROUNDED_OFF_SECONDS)
        async with self.ledger.hold(self._bid(tenant, spoken, held_seconds)) as hold:
            hearing = _Hearing(self, tenant, spoken, held_seconds)
            heard = await hearing.go(await spoken.fetch())
            if heard.text:
                await hearing.capture(hold, heard)
            else:
                await hearing.nothing(heard)
            return Transcript(heard.text, hearing.billed_seconds(heard) > TRUSTED_TIMES * held_seconds)

    def close(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Take no new work; what is being heard has so long left, and is given back then."""
        self._closing = True
        ends_at = asyncio.get_running_loop().time() + grace_seconds
        for patience in self._running:
            if not patience.expired():
                patience.reschedule(min(patience.when() or ends_at, ends_at))

    async def hear(self, recording: Recording, key: int) -> SpeechText:
        """One try under one key. Raises a ProviderError or Closing."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS) as patience:
                self._running.add(patience)
                try:
                    return await self.listener.hear(self.offer.model, recording, key)
                finally:
                    self._running.discard(patience)
        except TimeoutError:
            if self._closing:
                raise Closing from None
            raise FirstTokenLate(f"nothing for {PATIENCE_SECONDS:g} s") from None

    def _bid(self, tenant: Tenant, spoken: Spoken, held_seconds: int) -> HoldRequest:
        """Seconds stand where a prompt has tokens."""
        ceiling = Ceiling(self.rate.minute_atto, 0, 1)
        return HoldRequest(spoken.id, spoken.epoch, tenant.id, self.rate.tariff, held_seconds, (ceiling,))


@dataclass(slots=True)
class _Hearing:
    """One recording, tried under the provider's keys in turn, each try told to health and journaled."""

    transcriber: Transcriber
    tenant: Tenant
    spoken: Spoken
    held_seconds: int
    attempts: list[AttemptRecord] = field(default_factory=list)
    _started_at: datetime = field(init=False)
    _began: float = field(init=False)

    async def go(self, recording: Recording) -> SpeechText:
        """Raises RequestRejected, NoProvider or Closing."""
        used: set[int] = set()
        while True:
            permit = self._admitted(used)
            used.add(permit.key)
            try:
                return await self._tried(permit, recording)
            except RequestFault as error:
                offer = self.transcriber.offer
                raise RequestRejected(offer.provider, error.detail, moderation=error.moderation) from error
            except ProviderError as error:
                if not isinstance(error, _OF_ONE_KEY):
                    raise self._nobody() from error

    def _admitted(self, used: set[int]) -> Permit:
        """Under a key that was not tried yet."""
        health = self.transcriber.market.health
        permit = health.admit(self.transcriber.offer)
        if not isinstance(permit, Permit):
            raise self._nobody(permit.seconds)
        if permit.key in used:
            health.abandoned(permit)
            raise self._nobody()
        return permit

    async def _tried(self, permit: Permit, recording: Recording) -> SpeechText:
        market, listener = self.transcriber.market, self.transcriber.listener
        self._started_at, self._began = market.clock.now(), market.clock.monotonic()
        try:
            heard = await self.transcriber.hear(recording, permit.key)
        except ProviderError as error:
            market.health.failed(permit, error)
            await self._journal(self._attempt(error.outcome, error=error))
            raise
        except BaseException as error:
            market.health.abandoned(permit)
            if isinstance(error, Closing):
                await self._journal(self._attempt(outcomes.CLOSING))
            raise
        market.health.succeeded(permit, None, listener.limits(permit.key))
        return heard

    async def nothing(self, heard: SpeechText) -> None:
        """A provider bills silence too: the house's waste."""
        cost = self.transcriber.rate.cost(self.billed_seconds(heard))
        await self._journal(self._attempt(outcomes.NO_SPEECH, cost=cost, waste=cost))

    async def capture(self, hold: Hold, heard: SpeechText) -> None:
        """Charge, journal and keep the text in one transaction. Raises HoldLost."""
        rate, billed = self.transcriber.rate, self.billed_seconds(heard)
        cost = rate.cost(billed)
        waste = max(ZERO, cost - rate.cost(self.held_seconds))
        kept = replace(self._attempt(outcomes.ANSWERED, cost=cost, waste=waste), kept=True)
        self.attempts.append(kept)
        bill = Bill(kept, 0, billed * rate.minute_atto, self._receipt(cost))
        await hold.capture(bill, self.spoken.keep(heard.text))

    def billed_seconds(self, heard: SpeechText) -> int:
        seconds = self.spoken.seconds if heard.seconds is None else heard.seconds
        return self.transcriber.rate.billed_seconds(seconds)

    async def _journal(self, attempt: AttemptRecord) -> None:
        self.attempts.append(attempt)
        await self.transcriber.market.journal.record(attempt)

    def _attempt(
        self, outcome: str, *, cost: Money = ZERO, waste: Money = ZERO, error: ProviderError | None = None
    ) -> AttemptRecord:
        market, offer = self.transcriber.market, self.transcriber.offer
        return AttemptRecord(
            request_id=self.spoken.id,
            ordinal=len(self.attempts) + 1,
            tenant_id=self.tenant.id,
            key_id=None,
            asked=offer.name,
            provider=offer.provider,
            model=offer.model,
            outcome=outcome,
            started_at=self._started_at,
            duration_ms=round((market.clock.monotonic() - self._began) * 1000),
            cost=cost,
            waste=waste,
            status=error.status if error else None,
            detail=error.detail[:200] if error else "",
        )

    def _receipt(self, cost: Money) -> Receipt:
        transcriber, offer = self.transcriber, self.transcriber.offer
        quote = QuoteLine(offer.provider, offer.model, cost)
        now = transcriber.market.clock.now()
        return Receipt(self.spoken.id, offer.name, now, (quote,), (), tuple(self.attempts))

    def _nobody(self, seconds: float | None = None) -> NoProvider:
        tried = tuple(f"{attempt.provider}: {attempt.outcome}" for attempt in self.attempts)
        rest = self.transcriber.market.health.smallest_rest_seconds() if seconds is None else seconds
        return NoProvider(rest, tried)
