"""Providers that follow a script, and a hold and a journal in memory: answers without a network or a database."""

import asyncio
from collections.abc import Callable
from fractions import Fraction
from typing import Any, TypeAlias

from engine.attempt_record import AttemptRecord
from engine.catalog.catalog import Catalog
from engine.catalog.offers import Model, Offer, Quote, flat_price
from engine.catalog.price_book import PriceBook
from engine.chat import ChatRequest, Chunk, Delta, Event, Finish, Finished, Options, Restart, Role, Usage, says
from engine.gateway.answer import Answer
from engine.gateway.answer_stream import AnswerStream
from engine.gateway.attempt import Attempt
from engine.gateway.background_reads import BackgroundReads
from engine.gateway.hedging import Hedging
from engine.gateway.question import Market, Question
from engine.holds import Grant
from engine.money import Money
from engine.ports import AnswerSink, Bill, LimitHeaders, ProviderCall
from engine.routing.health import Health, HealthPolicy, Permit
from engine.routing.plan import Route
from engine.tenancy import Charge, Markup, Plan, Tenant
from tests.engine.clock import HandClock

Step: TypeAlias = Chunk | Exception | asyncio.Event
PRICE = flat_price("1", "2")
TENANT = Tenant(
    7, Plan(name="free", usd_per_month=Money(0), tokens_per_month=0, requests_per_minute=10, max_output_tokens=100)
)
END = Finished(Finish.STOP)
NEVER = asyncio.Event


def deltas(text: str) -> list[Step]:
    """Return one delta per word."""
    return [Delta(word + " ") for word in text.split()]


def whole(text: str, *, tokens: tuple[int, int] = (10, 5)) -> list[Step]:
    """Return the script of a complete answer, with its usage."""
    return [*deltas(text), END, Usage(*tokens)]


class ScriptedProvider:
    """A provider that follows its scripts one after another, and then repeats the last one.

    `open`: its open streams.
    """

    def __init__(self, name: str, *scripts: list[Step], close_stops_bill: bool = True, dialect: str = "openai") -> None:
        self.name, self.close_stops_bill, self.keys, self.dialect = name, close_stops_bill, 1, dialect
        self._scripts = list(scripts)
        self.calls: list[ProviderCall] = []
        self.open = 0

    async def stream(self, call: ProviderCall, sink: AnswerSink) -> None:
        self.calls.append(call)
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        self.open += 1
        try:
            await self._follow(script, sink)
        finally:
            self.open -= 1

    async def _follow(self, script: list[Step], sink: AnswerSink) -> None:
        sink.taken()
        for step in script:
            if isinstance(step, Exception):
                raise step
            if isinstance(step, asyncio.Event):
                await step.wait()
            else:
                sink.add([step])

    def ignored(self, call: ProviderCall) -> tuple[str, ...]:
        return ("seed",) if call.request.options.seed is not None else ()

    def checks_schema(self, call: ProviderCall) -> bool:
        return call.request.options.response_format is not None

    def limits(self, key: int) -> LimitHeaders | None:  # noqa: ARG002
        return None

    async def probe(self, key: int = 0) -> None: ...
    async def aclose(self) -> None: ...


class ScriptedHold:
    """A hold in memory; `bill` and `voided` show how it ended."""

    id = "r:1"

    def __init__(self, grant: Grant) -> None:
        self.grant = grant
        self.bill: Bill | None = None
        self.voided = False

    async def capture(self, bill: Bill, also: Callable[[Any, Charge], object] | None = None) -> Charge:
        self.bill = bill
        charge = Charge(Money.from_atto(bill.cost_atto))
        if also is not None:
            also(None, charge)
        return charge

    async def void(self, also: object = None) -> None:  # noqa: ARG002
        self.voided = True


class ScriptedJournal:
    """A journal in memory."""

    def __init__(self) -> None:
        self.records: list[AttemptRecord] = []

    async def record(self, attempt: AttemptRecord) -> None:
        self.records.append(attempt)

    def outcomes(self) -> list[tuple[str, str]]:
        return [(line.provider, line.outcome) for line in self.records]


class AnswerSetup:
    """Everything that an answer needs, with `providers` in the order of the route."""

    def __init__(
        self,
        *providers: ScriptedProvider,
        hedging: Hedging | None = None,
        first: float = 5,
        idle: float = 5,
        background_seconds: float = 5,
        keys: int = 1,
        bill_seconds: float = 0.01,
    ) -> None:
        offers = tuple(Offer(provider.name, "m") for provider in providers)
        policy = HealthPolicy(first_token_seconds=first, idle_seconds=idle)
        clock = HandClock()
        self.journal, self.providers = ScriptedJournal(), providers
        self.market = Market(
            Catalog({"auto": Model("auto", offers, Markup(Fraction(1)))}, PriceBook(), lambda _: True),
            Health(policy, clock, {provider.name: keys for provider in providers}),
            {provider.name: provider for provider in providers},
            self.journal,
            clock,
            policy,
            BackgroundReads(seconds=background_seconds),
            hedging,
            bill_seconds=bill_seconds,
            sleep=clock.sleep,
        )
        self.route = Route(tuple(Quote(offer, PRICE, 1) for offer in offers), ())

    def question(
        self,
        prompt: str = "tell me something",
        *,
        can_restart: bool = True,
        n: int = 1,
        options: Options = Options(),  # noqa: B008 - frozen
    ) -> Question:
        request = ChatRequest("r", "auto", (says(Role.USER, prompt),), n=n, options=options)
        return Question(TENANT.id, request, self.route, 200, None, can_restart)

    def answer(
        self,
        prompt: str = "tell me something",
        *,
        can_restart: bool = True,
        n: int = 1,
        output: int | tuple[int, ...] = 100,
        options: Options = Options(),  # noqa: B008 - frozen
    ) -> tuple[Answer, ScriptedHold]:
        """Begin an answer; `output` is the limit of each quote, or of all."""
        limits = (output,) * len(self.route.quotes) if isinstance(output, int) else output
        hold = ScriptedHold(Grant(0, Money(10**9), 1000, limits))
        return Answer(self.market, self.question(prompt, can_restart=can_restart, n=n, options=options), hold), hold

    async def begun(self) -> None:
        """Wait until the response's headers have arrived."""
        while not self.open:
            await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def background_reads_done(self) -> None:
        async with asyncio.timeout(60):
            while len(self.market.background_reads):
                await asyncio.sleep(0)

    @property
    def open(self) -> int:
        return sum(provider.open for provider in self.providers)


def started(
    setup: AnswerSetup, *, stream: AnswerStream | None = None, output: int = 100, n: int = 1, number: int = 0
) -> Attempt:
    """Start an attempt at quote `number`, with a hold for 200 input tokens."""
    question = setup.question(n=n)
    quote = question.route.quotes[number]
    permit = setup.market.health.admit(quote.offer)
    assert isinstance(permit, Permit)
    return Attempt(setup.market, question, quote, permit, 1, output, stream)


def attempt(*script: Step, first: float = 5, idle: float = 5, n: int = 1, output: int = 100) -> Attempt:
    """Start an attempt at a provider that follows `script`."""
    setup = AnswerSetup(ScriptedProvider("one", list(script)), first=first, idle=idle)
    return started(setup, n=n, output=output)


def shown(events: list[Event]) -> str:
    """Return the text that a reader who obeys Restart events has at the end."""
    text = ""
    for event in events:
        text = "" if isinstance(event, Restart) else text + (event.text if isinstance(event, Delta) else "")
    return text


def cost(usage: Usage) -> Money:
    return Money.from_atto(PRICE.cost_atto(usage))


def paid(hold: ScriptedHold) -> Usage:
    assert hold.bill is not None
    assert hold.bill.attempt.usage is not None
    return hold.bill.attempt.usage
