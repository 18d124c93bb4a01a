"""The faults of a simulated day, drawn from a seed, and providers that show them."""

import asyncio
import random
from bisect import insort
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from engine.catalog.offers import Offer
from engine.chat import Delta, Finish, Finished, Usage
from engine.errors import BalanceGone, KeyRefused, Overloaded, ProviderError, RateLimited, StreamCut, Unreachable
from engine.ports import AnswerSink, LimitHeaders, ProviderCall
from engine.providers.balances import Balance

REFUSED_SECONDS, WORD_SECONDS, LAST_SECONDS = 0.05, 0.5, 1.0
DATABASE, TELEGRAM = "database", "telegram"
CLOCK, RESTART, REMOVED, RESTORED = "clock", "restart", "removed", "restored"
FREEZE, MUTE, UNBLOCKED = "freeze", "mute", "unblocked"
DOWN, UNREACHABLE, SILENT, CUT, KEY, BALANCE, LIMIT, FLAKY, SLOW = (
    "down",
    "unreachable",
    "silent",
    "cut",
    "key_refused",
    "balance_gone",
    "limit",
    "flaky",
    "slow",
)
OF_PROVIDERS = (UNREACHABLE, KEY, BALANCE, DOWN, LIMIT)
OF_OFFERS = (DOWN, SILENT, CUT, FLAKY)
SOFT = (LIMIT, FLAKY, SLOW)
"""Faults that are not outages."""
LEAST_PATIENCE_SECONDS = 19.9
SLOW_SECONDS = 12.0
"""The first word of a slow provider comes after so long, still within the patience of `first_token_seconds`."""
LIMITED_TO = 4
"""The requests per minute that a provider under LIMIT accepts."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A simulated fault. `subject`: a provider, or an offer by its name. Times are seconds of the virtual loop."""

    kind: str
    subject: str
    begins: float
    ends: float

    def concerns(self, provider: str, model: str) -> bool:
        return self.subject in (provider, f"{provider}/{model}")

    @property
    def provider(self) -> str:
        return self.subject.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Interruption:
    """A time without the database or without Telegram."""

    subject: str
    begins: float
    ends: float


@dataclass(frozen=True, slots=True)
class Intervention:
    """Something that happens to the machine, or that the operator does, at a moment.

    `kind`: CLOCK sets the time of day `value` seconds wrong; RESTART replaces all processes; REMOVED and RESTORED
    change the offers of farthing.toml, and restart. FREEZE stops the leading clock of several for `value` seconds; MUTE
    mutes the open incidents; UNBLOCKED lets the second admin come back, who has blocked the bot.
    """

    kind: str
    at: float
    subject: str = ""
    value: float = 0.0


@dataclass(frozen=True, slots=True)
class Call:
    """A call that a provider has answered or failed. `good`: its first word was sent."""

    at: float
    provider: str
    model: str
    good: bool
    outcome: str


@dataclass
class Weather:
    """All troubles of a day, and all calls that the providers received."""

    troubles: Sequence[Trouble]
    low_balance: Sequence[tuple[str, float, float]] = ()
    interruptions: Sequence[Interruption] = ()
    interventions: Sequence[Intervention] = ()
    calls: list[Call] = field(default_factory=list)
    _accepted: dict[str, deque[float]] = field(default_factory=dict)

    def at(self, provider: str, model: str, now: float) -> Trouble | None:
        return next((t for t in self.troubles if t.begins <= now < t.ends and t.concerns(provider, model)), None)

    def balance(self, provider: str, now: float) -> Balance:
        low = any(name == provider and begins <= now < ends for name, begins, ends in self.low_balance)
        return Balance(Decimal(1 if low else 50))

    def accepts(self, provider: str, now: float, limit: int) -> bool:
        """Count a request to a limited provider; return False if it is above the limit."""
        accepted = self._accepted.setdefault(provider, deque())
        while accepted and accepted[0] <= now - 60:
            accepted.popleft()
        if len(accepted) >= limit:
            return False
        accepted.append(now)
        return True

    def saw(self, provider: str, model: str, outcome: str = "", at: float | None = None) -> None:
        """Record a call under the time `at` when its result was known; None: now."""
        now = asyncio.get_running_loop().time() if at is None else at
        insort(self.calls, Call(now, provider, model, not outcome, outcome), key=lambda call: call.at)


class SimulatedProvider:
    """A provider with one key in the weather of a day."""

    dialect, close_stops_bill, keys = "openai", True, 1

    def __init__(self, name: str, weather: Weather, chance: random.Random) -> None:
        self.name, self._weather, self._chance = name, weather, chance

    async def stream(self, call: ProviderCall, sink: AnswerSink) -> None:
        now = asyncio.get_running_loop().time()
        trouble = self._weather.at(self.name, call.model, now)
        kind = trouble.kind if trouble is not None else ""
        if kind == FLAKY and self._chance.random() > 0.4:
            kind = ""
        if kind == LIMIT and self._weather.accepts(f"{self.name}/{call.model}", now, LIMITED_TO):
            kind = ""
        await asyncio.sleep(SLOW_SECONDS if kind == SLOW else REFUSED_SECONDS)
        if kind == SLOW:
            kind = ""
        if kind == SILENT:
            await self._keep_silent(call, now)
        if kind and kind != CUT:
            self._weather.saw(self.name, call.model, kind)
            error = _ERRORS[kind]()
            raise error
        sink.taken()
        await asyncio.sleep(WORD_SECONDS * self._chance.uniform(0.5, 1.5))
        sink.add([Delta("a word ")])
        word_at = asyncio.get_running_loop().time()
        await asyncio.sleep(LAST_SECONDS * self._chance.uniform(0.5, 1.5))
        self._weather.saw(self.name, call.model, kind, None if kind else word_at)
        if kind == CUT:
            raise StreamCut("no end")
        sink.add([Delta("and more"), Finished(Finish.STOP), Usage(100, 20)])

    async def _keep_silent(self, call: ProviderCall, began: float) -> None:
        """Wait until the caller gives up. A killed caller has noticed nothing."""
        try:
            await asyncio.sleep(3600)
        finally:
            if asyncio.get_running_loop().time() >= began + LEAST_PATIENCE_SECONDS:
                self._weather.saw(self.name, call.model, SILENT)

    def ignored(self, call: ProviderCall) -> tuple[str, ...]:  # noqa: ARG002
        return ()

    def checks_schema(self, call: ProviderCall) -> bool:  # noqa: ARG002
        return False

    def limits(self, key: int) -> LimitHeaders | None:  # noqa: ARG002
        return None

    async def probe(self, key: int = 0) -> None:  # noqa: ARG002
        """Fail like a provider's list of models, which does not show a fault of one model."""
        trouble = self._weather.at(self.name, "", asyncio.get_running_loop().time())
        if trouble is not None and trouble.kind in (UNREACHABLE, KEY, BALANCE):
            error = _ERRORS[trouble.kind]()
            raise error

    async def balance(self, key: int = 0) -> Balance | None:  # noqa: ARG002
        return self._weather.balance(self.name, asyncio.get_running_loop().time())

    async def aclose(self) -> None: ...


_ERRORS: dict[str, Callable[[], ProviderError]] = {
    DOWN: lambda: Overloaded("503", status=503),
    FLAKY: lambda: Overloaded("503", status=503),
    UNREACHABLE: lambda: Unreachable("connection refused"),
    KEY: lambda: KeyRefused("401", status=401),
    BALANCE: lambda: BalanceGone("402", status=402),
    LIMIT: lambda: RateLimited("429", retry_after_seconds=5),
}


def forecast(chance: random.Random, offers: Sequence[Offer], hours: float, start: float) -> Weather:
    """Draw the troubles of a day: outages (some repeated), refused keys, limits and low balances."""
    end, troubles = start + 3600 * hours, []
    at = start + chance.uniform(300, 900)
    while at < end - 1800:
        offer = chance.choice(offers)
        until = at + chance.choice([90, 240, 600, 1500])
        if chance.random() < 0.5:
            troubles += _spells(chance, chance.choice(OF_PROVIDERS), offer.provider, at, until)
        else:
            troubles += _spells(chance, chance.choice(OF_OFFERS), offer.name, at, until)
        at = until + chance.choice([60, 300, 700, 1200])
    low_at = start + chance.uniform(0.1, 0.6) * 3600 * hours
    low = [(chance.choice(offers).provider, low_at, low_at + 0.2 * 3600 * hours)]
    return Weather(troubles, low)


def worse(weather: Weather, chance: random.Random, offers: Sequence[Offer], hours: float, start: float) -> Weather:
    """Return the weather with more troubles: providers that fail together or are slow, no database, no Telegram."""
    together = [
        Trouble(each.kind, chance.choice(offers).provider, each.begins + chance.uniform(0, 30), each.ends)
        for each in weather.troubles
        if each.kind in OF_PROVIDERS and each.kind != LIMIT and chance.random() < 0.4
    ]
    slow, away = [], []
    at = start + chance.uniform(1200, 3600)
    while at < start + 3600 * hours - 1800:
        slow.append(Trouble(SLOW, chance.choice(offers).name, at, at + chance.choice([300, 1200])))
        begins = at + chance.uniform(0, 2400)
        away.append(Interruption(chance.choice([DATABASE, TELEGRAM]), begins, begins + chance.choice([20, 60, 150])))
        at += chance.uniform(2400, 5400)
    return Weather([*weather.troubles, *together, *slow], weather.low_balance, away)


def _spells(chance: random.Random, kind: str, subject: str, begins: float, ends: float) -> list[Trouble]:
    """Return one trouble, or one that repeatedly stops and returns."""
    if chance.random() < 0.7:
        return [Trouble(kind, subject, begins, ends)]
    found, at = [], begins
    while at < ends:
        found.append(Trouble(kind, subject, at, at + chance.uniform(60, 240)))
        at = found[-1].ends + chance.uniform(30, 240)
    return found
