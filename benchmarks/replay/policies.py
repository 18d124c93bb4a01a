"""Who answers a replay: Farthing's own planner, the rivals' rules, and an oracle."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

from benchmarks.replay.inputs import Prompt
from benchmarks.replay.world import PATIENCE_S, Clock, Doors, Process, Try, World, run
from engine.catalog.catalog import Catalog
from engine.catalog.offers import Drop, Model, Offer, Quote
from engine.catalog.prices import Price
from engine.chat import ChatRequest, Role, Usage, says
from engine.errors import RateLimited
from engine.routing.health import Health, HealthPolicy, Permit
from engine.routing.plan import Route, plan

ATTO_PER_USD = 10**18
BYTES_PER_TOKEN = 4
COOLDOWN_S = 5.0  # LiteLLM's default
MOST_TRIES = 3  # LiteLLM's default: two retries


@dataclass(frozen=True, slots=True)
class Market:
    """What is sold in a replay: offers, their price at a moment, and the model that sells them all."""

    catalog: Catalog
    model: Model
    delay_usd_per_second: Fraction

    def price(self, offer: Offer, clock: Clock) -> Price:
        found = self.catalog.book.price(offer.provider, offer.model, clock.now())
        assert found is not None
        return found


@dataclass(slots=True)
class Tally:
    """What a policy did: per prompt its whole cost in atto-dollars, None where unanswered; delays by failed tries."""

    costs: dict[int, int | None] = field(default_factory=dict)
    delays_s: list[float] = field(default_factory=list)
    by_offer: dict[str, int] = field(default_factory=dict)
    tries: int = 0
    wasted_tries: int = 0
    refusals: dict[str, list[float]] = field(default_factory=dict)
    sent: dict[str, list[float]] = field(default_factory=dict)


class Policy(Protocol):
    @property
    def name(self) -> str: ...
    def offers(self, prompt: Prompt) -> Iterator[Offer]:
        """Whom to ask, one after the other; it is told how each try went by `heard`."""
        ...

    def spoke(self, offer: Offer, prompt: Prompt) -> None: ...
    def heard(self, offer: Offer, prompt: Prompt, went: Try) -> None: ...


def replay(policy: Policy, market: Market, world: World, clock: Clock, prompts: Sequence[Prompt]) -> Tally:
    """Every prompt answered, or not, as `policy` would have it."""
    tally, doors = Tally(), Doors(world, clock)
    run(clock, prompts, lambda prompt: _answer(policy, market, doors, clock, tally, prompt))
    return tally


def _answer(policy: Policy, market: Market, doors: Doors, clock: Clock, tally: Tally, prompt: Prompt) -> Process:
    spent, began = 0, clock.at
    for ordinal, offer in enumerate(policy.offers(prompt), 1):
        price, tried_at = market.price(offer, clock), clock.at
        went = doors.knock(offer.provider, prompt, ordinal)
        tally.tries += 1
        tally.sent.setdefault(offer.provider, []).append(clock.at)
        if isinstance(went.error, RateLimited):
            tally.refusals.setdefault(offer.provider, []).append(clock.at)
        if went.first_token_s is not None:
            yield went.first_token_s
            policy.spoke(offer, prompt)
        yield went.seconds - (went.first_token_s or 0.0)
        policy.heard(offer, prompt, went)
        if went.output_tokens:
            spent += price.cost_atto(Usage(prompt.input_tokens, went.output_tokens))
        if went.error is None:
            tally.costs[prompt.number] = spent
            tally.delays_s.append(tried_at - began)
            tally.by_offer[offer.name] = tally.by_offer.get(offer.name, 0) + 1
            return
        tally.wasted_tries += 1
    tally.costs[prompt.number] = None


class Farthing:
    """The real catalogue, planner, health and limits."""

    name = "Farthing"

    def __init__(self, market: Market, clock: Clock, policy: HealthPolicy | None = None) -> None:
        self._market, self._clock = market, clock
        providers = {offer.provider: 1 for offer in market.model.offers}
        self.health = Health(policy or HealthPolicy(), clock, providers, random_share=lambda: 0.5)
        self._permits: dict[tuple[int, Offer], Permit] = {}
        self._requests: dict[int, ChatRequest] = {}

    def offers(self, prompt: Prompt) -> Iterator[Offer]:
        request, catalog = _request(prompt, self._market.model.name), self._market.catalog
        self._requests[prompt.number] = request
        route = self._plan(*catalog.quote(request, self._market.model, self._clock.now()))
        while route.quotes:
            quote, *rest = route.quotes
            permit = self.health.admit(quote.offer)
            if isinstance(permit, Permit):
                self._permits[prompt.number, quote.offer] = permit
                yield quote.offer
            route = self._plan(rest, ())  # what was learned meanwhile may change the order
        self._requests.pop(prompt.number, None)

    def _plan(self, quotes: Sequence[Quote], drops: Sequence[Drop]) -> Route:
        return plan(quotes, drops, self.health.status, self._market.delay_usd_per_second)

    def spoke(self, offer: Offer, prompt: Prompt) -> None:
        self.health.first_token(self._permits[prompt.number, offer])

    def heard(self, offer: Offer, prompt: Prompt, went: Try) -> None:
        permit = self._permits.pop((prompt.number, offer))
        if went.error is not None:
            self.health.failed(permit, went.error)
            return
        assert went.first_token_s is not None
        self.health.succeeded(permit, round(went.first_token_s * 1000))
        usage = Usage(prompt.input_tokens, went.output_tokens)
        said = "word " * _words(went.output_tokens)
        self._market.catalog.learn(self._requests.pop(prompt.number), offer, usage, said, None)


def _request(prompt: Prompt, model: str) -> ChatRequest:
    return ChatRequest(f"replay:{prompt.number}", model, (says(Role.USER, "word " * _words(prompt.input_tokens)),))


def _words(tokens: int) -> int:
    return max(1, tokens * BYTES_PER_TOKEN // 5)


class Fixed:
    """Always in the same order, with no memory: the blog's proxy, and `always GPT-4o` with one offer."""

    def __init__(self, name: str, order: Sequence[Offer]) -> None:
        self.name, self._order = name, order

    def offers(self, prompt: Prompt) -> Iterator[Offer]:  # noqa: ARG002 - whatever it is
        return iter(self._order)

    def spoke(self, offer: Offer, prompt: Prompt) -> None:
        """Nothing is learned."""

    def heard(self, offer: Offer, prompt: Prompt, went: Try) -> None:
        """Nothing is learned."""


class LowestListPrice:
    """LiteLLM's cost strategy: the lowest list price per token of those not cooling down; two retries."""

    name = "LiteLLM's lowest cost"

    def __init__(self, market: Market, clock: Clock) -> None:
        self._market, self._clock = market, clock
        self._cool_until: dict[Offer, float] = {}

    def offers(self, prompt: Prompt) -> Iterator[Offer]:  # noqa: ARG002 - it does not look at the request
        for _ in range(MOST_TRIES):
            ready = [o for o in self._market.model.offers if self._cool_until.get(o, 0.0) <= self._clock.at]
            if not ready:
                return
            yield min(ready, key=self._list_price)

    def spoke(self, offer: Offer, prompt: Prompt) -> None:
        """It looks at failures alone."""

    def heard(self, offer: Offer, prompt: Prompt, went: Try) -> None:  # noqa: ARG002 - only whether
        if went.error is not None:
            self._cool_until[offer] = self._clock.at + COOLDOWN_S

    def _list_price(self, offer: Offer) -> int:
        rates = self._market.price(offer, self._clock).rates(0)
        return rates.input + rates.output


class Oracle:
    """Knows who answers before asking, outages, luck and limits alike; and what the answer will cost."""

    def __init__(self, market: Market, world: World, clock: Clock, mean: tuple[int, int] | None = None) -> None:
        """`mean` (input, output): then it knows no lengths but these."""
        self.name = "oracle" if mean is None else "oracle with mean lengths"
        self._market, self._world, self._clock, self._mean = market, world, clock, mean
        self.doors: Callable[[str], bool] = lambda _: True

    def offers(self, prompt: Prompt) -> Iterator[Offer]:
        lengths = self._mean or (prompt.input_tokens, prompt.output_tokens)
        usage = Usage(*lengths)

        def cost(offer: Offer) -> int:
            return self._market.price(offer, self._clock).cost_atto(usage)

        for offer in sorted(self._market.model.offers, key=cost):
            if not self.doors(offer.provider):
                continue
            went = self._world.attempt(offer.provider, prompt, 1, self._clock.at)
            if went.error is None:
                yield offer
                return

    def spoke(self, offer: Offer, prompt: Prompt) -> None:
        """It knew."""

    def heard(self, offer: Offer, prompt: Prompt, went: Try) -> None:
        """It knew."""


def foresee(oracle: Oracle, market: Market, world: World, clock: Clock, prompts: Sequence[Prompt]) -> Tally:
    """The oracle's own replay: it sees its own limits."""
    tally, doors = Tally(), Doors(world, clock)
    oracle.doors = doors.is_open
    run(clock, prompts, lambda prompt: _answer(oracle, market, doors, clock, tally, prompt))
    return tally


__all__ = ["PATIENCE_S", "Farthing", "Fixed", "LowestListPrice", "Market", "Oracle", "Tally", "foresee", "replay"]
