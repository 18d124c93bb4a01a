"""Transcription: a recording turned into text, held and charged like an answer, under a request id of its own.

The hold covers the length that the sender's app reports, one second more for rounding, and at least the shortest length
that is billed. The charge is for the length that the provider reports; cost beyond the hold is waste. A recording
without speech is not charged, nor is one that no provider could transcribe.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from functools import partial

from msgspec.structs import replace

from engine import attempt_record as outcomes
from engine.attempt_record import MOST_DETAIL_CHARS, AttemptRecord, QuoteLine, Receipt
from engine.catalog.offers import Offer
from engine.errors import (
    KEY_ERRORS,
    Closing,
    ExcludedBySettings,
    FirstTokenLate,
    NoProvider,
    ProviderError,
    RequestFault,
)
from engine.gateway.admission import Held, hold_requests
from engine.gateway.question import Market
from engine.gateway.rejections import rejected
from engine.holds import Ceiling, HoldRequest
from engine.money import ATTO_PER_NANO, ZERO, Money
from engine.ports import Bill, CaptureStep, Hold, Ledger, SpeechProvider
from engine.routing.health import Permit
from engine.speech import Recording, SpeechText
from engine.tenancy import Markup, Plan, Tenant

TIMEOUT_SECONDS = 120.0
GRACE_SECONDS = 10.0
ROUNDING_SECONDS = 1
TRUSTED_TIMES = 2


@dataclass(frozen=True, slots=True)
class Rate:
    """The cost of a minute, and its markup. Every second that has begun is billed whole.

    A second's price is rarely a whole number of atto-dollars, so the minute's price is multiplied first, then divided
    once.
    """

    per_minute: Money
    markup: Fraction
    least_seconds: int = 0

    def billed_seconds(self, seconds: float) -> int:
        return max(math.ceil(seconds), self.least_seconds)

    def cost(self, billed_seconds: int) -> Money:
        """Return the provider's bill, rounded once."""
        return Money.from_atto(billed_seconds * self.minute_atto, Fraction(1, 60))

    def charge(self, billed_seconds: int) -> Money:
        """Return the charge for the tenant, rounded once."""
        return Money.from_atto(billed_seconds * self.minute_atto, self.tariff.times)

    @property
    def minute_atto(self) -> int:
        return self.per_minute.nanousd * ATTO_PER_NANO

    @property
    def tariff(self) -> Markup:
        """The markup per second, applied to the price of a minute."""
        return Markup(self.markup / 60)


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    """A recording to transcribe. `seconds`: its length as the sender's app reports it; `fetch` loads it after the hold.

    `id` comes from the update, so that a retry is the same request. `keep` takes the text and returns the step that
    runs in the capture's transaction.
    """

    id: str
    epoch: int
    seconds: int
    fetch: Callable[[], Awaitable[Recording]]
    keep: Callable[[str], CaptureStep]


@dataclass(frozen=True, slots=True)
class Transcript:
    """The text of a recording, empty without speech. `understated`: it is over twice as long as the hold assumed."""

    text: str
    understated: bool = False


@dataclass(slots=True)
class Transcriber:
    """Transcribes recordings of up to `most_seconds` with one offer."""

    market: Market
    ledger: Ledger
    provider: SpeechProvider
    offer: Offer
    rate: Rate
    most_seconds: int
    _timers: set[asyncio.Timeout] = field(default_factory=set)
    _closing: bool = False

    async def transcribe(self, tenant: Tenant, request: TranscriptionRequest) -> Transcript:
        """Return the text, kept and charged; for a recording without speech an empty text, uncharged.

        Before `fetch` it raises ExcludedBySettings, InsufficientFunds or HoldLost, then any error of `fetch`,
        RequestRejected, NoProvider or Closing.
        """
        if self._closing:
            raise Closing
        if tenant.exclusions.cover_recordings(
            self.offer.provider, self.market.catalog.policies.of(self.offer.provider)
        ):
            raise ExcludedBySettings(self.offer.name, (self.offer.provider,))
        held_seconds = self.rate.billed_seconds(request.seconds + ROUNDING_SECONDS)
        requests = hold_requests(tenant, None, partial(self._hold_request, tenant, request, held_seconds))
        async with Held(self.ledger, requests) as (hold_request, hold):
            transcription = _TranscriptionRun(self, hold_request.tenant_id, request, held_seconds)
            speech = await transcription.run(await request.fetch())
            if speech.text:
                await transcription.capture(hold, speech)
            else:
                await transcription.record_silence(speech)
            return Transcript(speech.text, transcription.billed_seconds(speech) > TRUSTED_TIMES * held_seconds)

    def close(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Accept no new work; running transcriptions get `grace_seconds`, then their holds are voided."""
        self._closing = True
        ends_at = asyncio.get_running_loop().time() + grace_seconds
        for timer in self._timers:
            if not timer.expired():
                timer.reschedule(min(timer.when() or ends_at, ends_at))

    async def call(self, recording: Recording, key: int) -> SpeechText:
        """Call the provider once, with one key. Raises a ProviderError or Closing."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS) as timer:
                self._timers.add(timer)
                try:
                    return await self.provider.transcribe(self.offer.model, recording, key)
                finally:
                    self._timers.discard(timer)
        except TimeoutError:
            if self._closing:
                raise Closing from None
            raise FirstTokenLate(f"nothing for {TIMEOUT_SECONDS:g} s") from None

    def _hold_request(self, tenant: Tenant, request: TranscriptionRequest, held_seconds: int, _: Plan) -> HoldRequest:
        """Return the hold for a recording. Seconds take the place of input tokens."""
        ceiling = Ceiling(self.rate.minute_atto, 0, 1)
        return HoldRequest(request.id, request.epoch, tenant.id, self.rate.tariff, held_seconds, (ceiling,))


@dataclass(slots=True)
class _TranscriptionRun:
    """One recording, attempted with each of the provider's API keys in turn; each attempt is reported and journaled."""

    transcriber: Transcriber
    payer_id: int
    request: TranscriptionRequest
    held_seconds: int
    records: list[AttemptRecord] = field(default_factory=list)
    _started_at: datetime = field(init=False)
    _started_seconds: float = field(init=False)

    async def run(self, recording: Recording) -> SpeechText:
        """Return the recognized speech. Raises RequestRejected, NoProvider or Closing."""
        used: set[int] = set()
        while True:
            permit = self._admit(used)
            used.add(permit.key)
            try:
                return await self._attempt(permit, recording)
            except RequestFault as error:
                raise rejected(self.transcriber.offer.provider, error) from error
            except ProviderError as error:
                if not isinstance(error, KEY_ERRORS):
                    raise self._no_provider() from error

    def _admit(self, used: set[int]) -> Permit:
        """Return a permit for a key that is not in `used`. Raises NoProvider."""
        health = self.transcriber.market.health
        permit = health.admit(self.transcriber.offer)
        if not isinstance(permit, Permit):
            raise self._no_provider(permit.seconds)
        if permit.key in used:
            health.abandoned(permit)
            raise self._no_provider()
        return permit

    async def _attempt(self, permit: Permit, recording: Recording) -> SpeechText:
        market, provider = self.transcriber.market, self.transcriber.provider
        self._started_at, self._started_seconds = market.clock.now(), market.clock.monotonic()
        try:
            speech = await self.transcriber.call(recording, permit.key)
        except ProviderError as error:
            market.health.failed(permit, error)
            await self._journal(self._record(error.outcome, error=error))
            raise
        except BaseException as error:
            market.health.abandoned(permit)
            if isinstance(error, Closing):
                await self._journal(self._record(outcomes.CLOSING))
            raise
        market.health.succeeded(permit, None, provider.limits(permit.key))
        return speech

    async def record_silence(self, speech: SpeechText) -> None:
        """Journal a recording without speech. Providers bill it too, and the cost is waste."""
        cost = self.transcriber.rate.cost(self.billed_seconds(speech))
        await self._journal(self._record(outcomes.NO_SPEECH, cost=cost, waste=cost))

    async def capture(self, hold: Hold, speech: SpeechText) -> None:
        """Charge, journal and keep the text in one transaction. Raises HoldLost."""
        rate, billed_seconds = self.transcriber.rate, self.billed_seconds(speech)
        cost = rate.cost(billed_seconds)
        waste = max(ZERO, cost - rate.cost(self.held_seconds))
        kept = replace(self._record(outcomes.ANSWERED, cost=cost, waste=waste), kept=True)
        self.records.append(kept)
        bill = Bill(kept, 0, billed_seconds * rate.minute_atto, self._receipt(cost))
        await hold.capture(bill, self.request.keep(speech.text))
        self.transcriber.market.observe(kept, operation="transcription")

    def billed_seconds(self, speech: SpeechText) -> int:
        seconds = self.request.seconds if speech.seconds is None else speech.seconds
        return self.transcriber.rate.billed_seconds(seconds)

    async def _journal(self, record: AttemptRecord) -> None:
        self.records.append(record)
        await self.transcriber.market.journal.record(record)
        self.transcriber.market.observe(record, operation="transcription")

    def _record(
        self, outcome: str, *, cost: Money = ZERO, waste: Money = ZERO, error: ProviderError | None = None
    ) -> AttemptRecord:
        clock, offer = self.transcriber.market.clock, self.transcriber.offer
        return AttemptRecord(
            request_id=self.request.id,
            ordinal=len(self.records) + 1,
            tenant_id=self.payer_id,
            key_id=None,
            asked=offer.name,
            provider=offer.provider,
            model=offer.model,
            outcome=outcome,
            started_at=self._started_at,
            duration_ms=round((clock.monotonic() - self._started_seconds) * 1000),
            cost=cost,
            waste=waste,
            status=error.status if error else None,
            detail=error.detail[:MOST_DETAIL_CHARS] if error else "",
        )

    def _receipt(self, cost: Money) -> Receipt:
        offer, now = self.transcriber.offer, self.transcriber.market.clock.now()
        quote = QuoteLine(offer.provider, offer.model, cost)
        return Receipt(self.request.id, offer.name, now, (quote,), (), tuple(self.records))

    def _no_provider(self, seconds: float | None = None) -> NoProvider:
        tried = tuple(f"{record.provider}: {record.outcome}" for record in self.records)
        rest_seconds = self.transcriber.market.health.smallest_rest_seconds() if seconds is None else seconds
        return NoProvider(rest_seconds, tried)
