"""The policies of a replay: Farthing's own planner, the rules of competitors, and an oracle."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

from benchmarks.replay.inputs import Prompt
from benchmarks.replay.world import CLIENT_TIMEOUT_S, Clock, Limits, Outcome, Process, World, run
from engine.catalog.catalog import Catalog
from engine.catalog.offers import Drop, Model, Offer, Price, Quote
from engine.chat import ChatRequest, Role, Usage, says
from engine.errors import ProviderError, RateLimited
from engine.routing.health import Health, HealthPolicy, Permit
from engine.routing.plan import Route, plan, with_early
from engine.routing.selection import Pause, Selection

ATTO_PER_USD = 10**18
BYTES_PER_TOKEN = 4
COOLDOWN_S = 5.0  # LiteLLM's default
MOST_ATTEMPTS = 3  # LiteLLM's default: two retries


@dataclass(frozen=True, slots=True)
class ReplayCatalog:
    """The offers of a replay, their prices, and a model that has all of them.

    `thinking_times`: tokens billed per visible token, by offer name; 1 if absent. `most_output_tokens`: the
    `max_tokens` that clients send.
    """

    catalog: Catalog
    model: Model
    delay_usd_per_second: Fraction
    thinking_times: Mapping[str, float] = field(default_factory=dict)
    most_output_tokens: int | None = None

    def billed_tokens(self, offer: Offer, output_tokens: int) -> int:
        """Return the output tokens billed for an answer, including thinking."""
        billed = round(output_tokens * self.thinking_times.get(offer.name, 1))
        return billed if self.most_output_tokens is None else min(billed, self.most_output_tokens)

    def price(self, offer: Offer, clock: Clock) -> Price:
        found = self.catalog.book.price(offer.provider, offer.model, clock.now())
        assert found is not None
        return found


@dataclass(slots=True)
class Tally:
    """The results of a policy. `costs`: atto-dollars per prompt, None if unanswered; `delays_s`: by failed attempts."""

    costs: dict[int, int | None] = field(default_factory=dict)
    delays_s: list[float] = field(default_factory=list)
    by_offer: dict[str, int] = field(default_factory=dict)
    attempts: int = 0
    wasted_attempts: int = 0
    refusals: dict[str, list[float]] = field(default_factory=dict)
    sent: dict[str, list[float]] = field(default_factory=dict)


class Policy(Protocol):
    @property
    def name(self) -> str: ...
    def offers(self, prompt: Prompt) -> Iterator[Offer | float]:
        """Yield the offers to attempt one after another, and seconds to wait; `ended` reports each attempt's result."""
        ...

    def first_token(self, offer: Offer, prompt: Prompt) -> None: ...
    def ended(self, offer: Offer, prompt: Prompt, outcome: Outcome) -> None: ...


def replay(policy: Policy, market: ReplayCatalog, world: World, clock: Clock, prompts: Sequence[Prompt]) -> Tally:
    """Answer the prompts with the offers that `policy` chooses."""
    tally, limits = Tally(), Limits(world, clock)
    run(clock, prompts, lambda prompt: _answer(policy, market, limits, clock, tally, prompt))
    return tally


def _answer(
    policy: Policy, market: ReplayCatalog, limits: Limits, clock: Clock, tally: Tally, prompt: Prompt
) -> Process:
    spent, began = 0, clock.at
    ordinal = 0
    for offer in policy.offers(prompt):
        if isinstance(offer, float):
            yield offer
            continue
        ordinal += 1
        price, attempted_at = market.price(offer, clock), clock.at
        outcome = limits.attempt(offer, prompt, ordinal)
        tally.attempts += 1
        tally.sent.setdefault(offer.provider, []).append(clock.at)
        if isinstance(outcome.error, RateLimited):
            tally.refusals.setdefault(offer.provider, []).append(clock.at)
        if outcome.first_token_s is not None:
            yield outcome.first_token_s
            policy.first_token(offer, prompt)
        yield outcome.seconds - (outcome.first_token_s or 0.0)
        policy.ended(offer, prompt, outcome)
        if outcome.output_tokens:
            spent += price.cost_atto(Usage(prompt.input_tokens, market.billed_tokens(offer, outcome.output_tokens)))
        if outcome.error is None:
            tally.costs[prompt.number] = spent
            tally.delays_s.append(attempted_at - began)
            tally.by_offer[offer.name] = tally.by_offer.get(offer.name, 0) + 1
            return
        tally.wasted_attempts += 1
    tally.costs[prompt.number] = None


class Farthing:
    """The real catalog, planner, health and limits."""

    name = "Farthing"

    def __init__(self, market: ReplayCatalog, clock: Clock, policy: HealthPolicy | None = None) -> None:
        self._market, self._clock = market, clock
        providers = {offer.provider: 1 for offer in market.model.offers}
        self.health = Health(policy or HealthPolicy(), clock, providers, random_share=lambda: 0.5)
        self._permits: dict[tuple[int, Offer], Permit] = {}
        self._requests: dict[int, ChatRequest] = {}
        self._failures: dict[int, tuple[ProviderError, Outcome]] = {}

    def offers(self, prompt: Prompt) -> Iterator[Offer | float]:
        request, catalog = _request(prompt, self._market), self._market.catalog
        self._requests[prompt.number] = request
        quotes, drops = catalog.quote(request, self._market.model, self._clock.now())
        route = with_early(self._plan(quotes, drops), self.health)
        selection = Selection(self.health, route.quotes or route.resting, self._plan)
        while (step := selection.next(self._clock.at)) is not None:
            if isinstance(step, Pause):
                yield step.seconds
                continue
            offer = selection.quotes[step.number].offer
            selection.begin(step.number)
            self._permits[prompt.number, offer] = step.permit
            yield offer
            error, outcome = self._failures.pop(prompt.number)
            was_shown = outcome.first_token_s is not None
            selection.failed(step, error, seconds=outcome.seconds, was_shown=was_shown, now=self._clock.at)
        self._requests.pop(prompt.number, None)

    def _plan(self, quotes: Sequence[Quote], drops: Sequence[Drop] = ()) -> Route:
        return plan(quotes, drops, self.health.status, self._market.delay_usd_per_second)

    def first_token(self, offer: Offer, prompt: Prompt) -> None:
        self.health.first_token(self._permits[prompt.number, offer])

    def ended(self, offer: Offer, prompt: Prompt, outcome: Outcome) -> None:
        permit = self._permits.pop((prompt.number, offer))
        if outcome.error is not None:
            self.health.failed(permit, outcome.error)
            self._failures[prompt.number] = outcome.error, outcome
            return
        assert outcome.first_token_s is not None
        self.health.succeeded(permit, round(outcome.first_token_s * 1000))
        billed = self._market.billed_tokens(offer, outcome.output_tokens)
        usage = Usage(prompt.input_tokens, billed, reasoning_tokens=max(0, billed - outcome.output_tokens))
        said = "word " * _words(outcome.output_tokens)
        self._market.catalog.learn(self._requests.pop(prompt.number), offer, usage, said, None)


def _request(prompt: Prompt, market: ReplayCatalog) -> ChatRequest:
    text, limit = "word " * _words(prompt.input_tokens), market.most_output_tokens
    return ChatRequest(f"replay:{prompt.number}", market.model.name, (says(Role.USER, text),), max_output_tokens=limit)


def _words(tokens: int) -> int:
    return max(1, tokens * BYTES_PER_TOKEN // 5)


class Fixed:
    """The same order for every prompt: the blog's proxy, and `always GPT-4o` with one offer."""

    def __init__(self, name: str, order: Sequence[Offer]) -> None:
        self.name, self._order = name, order

    def offers(self, prompt: Prompt) -> Iterator[Offer]:  # noqa: ARG002 - the same for every prompt
        return iter(self._order)

    def first_token(self, offer: Offer, prompt: Prompt) -> None:
        """Do nothing: this policy does not learn."""

    def ended(self, offer: Offer, prompt: Prompt, outcome: Outcome) -> None:
        """Do nothing: this policy does not learn."""


class LowestListPrice:
    """LiteLLM's cost strategy: the lowest list price per token among offers not in cooldown; two retries."""

    name = "LiteLLM's lowest cost"

    def __init__(self, market: ReplayCatalog, clock: Clock) -> None:
        self._market, self._clock = market, clock
        self._cool_until: dict[Offer, float] = {}

    def offers(self, prompt: Prompt) -> Iterator[Offer]:  # noqa: ARG002 - the request does not matter
        for _ in range(MOST_ATTEMPTS):
            ready = [o for o in self._market.model.offers if self._cool_until.get(o, 0.0) <= self._clock.at]
            if not ready:
                return
            yield min(ready, key=self._list_price)

    def first_token(self, offer: Offer, prompt: Prompt) -> None:
        """Do nothing: this policy learns only from failures."""

    def ended(self, offer: Offer, prompt: Prompt, outcome: Outcome) -> None:  # noqa: ARG002 - only the error matters
        if outcome.error is not None:
            self._cool_until[offer] = self._clock.at + COOLDOWN_S

    def _list_price(self, offer: Offer) -> int:
        rates = self._market.price(offer, self._clock).rates(0)
        return rates.input + rates.output


class Oracle:
    """Chooses with full knowledge of outages, random failures, limits and the length of the answer.

    It never asks the same offer twice, unless `asks_twice` is set: then it may pay for a failed attempt and its repeat.
    """

    def __init__(
        self,
        market: ReplayCatalog,
        world: World,
        clock: Clock,
        mean: tuple[int, int] | None = None,
        *,
        asks_twice: bool = False,
    ) -> None:
        """`mean` (input, output): choose by these lengths instead of the real ones."""
        self.name = "oracle" if mean is None else "oracle with mean lengths"
        self._market, self._world, self._clock, self._mean = market, world, clock, mean
        self._most_attempts = 2 if asks_twice else 1
        self.admits: Callable[[Offer], bool] = lambda _: True

    def offers(self, prompt: Prompt) -> Iterator[Offer | float]:
        found = [plan for offer in self._market.model.offers if (plan := self._attempts(offer, prompt)) is not None]
        if found:
            _, count, offer = min(found, key=lambda each: each[:2])
            yield from [offer] * count

    def _attempts(self, offer: Offer, prompt: Prompt) -> tuple[int, int, Offer] | None:
        """Return the cost of an answer by `offer` and the attempts that it needs; None if the offer does not answer."""
        if not self.admits(offer):
            return None
        spent, at = 0, self._clock.at
        for ordinal in range(1, self._most_attempts + 1):
            outcome = self._world.attempt(offer, prompt, ordinal, at)
            if outcome.error is None:
                return spent + self._cost(offer, prompt, prompt.output_tokens), ordinal, offer
            spent += self._cost(offer, prompt, outcome.output_tokens) if outcome.output_tokens else 0
            at += outcome.seconds
        return None

    def _cost(self, offer: Offer, prompt: Prompt, output_tokens: int) -> int:
        input_tokens, output_tokens = self._mean or (prompt.input_tokens, output_tokens)
        usage = Usage(input_tokens, self._market.billed_tokens(offer, output_tokens))
        return self._market.price(offer, self._clock).cost_atto(usage)

    def first_token(self, offer: Offer, prompt: Prompt) -> None:
        """Do nothing: this policy does not learn."""

    def ended(self, offer: Offer, prompt: Prompt, outcome: Outcome) -> None:
        """Do nothing: this policy does not learn."""


def replay_oracle(
    oracle: Oracle, market: ReplayCatalog, world: World, clock: Clock, prompts: Sequence[Prompt]
) -> Tally:
    """Replay the oracle, which sees its own limits."""
    tally, limits = Tally(), Limits(world, clock)
    oracle.admits = limits.admits
    run(clock, prompts, lambda prompt: _answer(oracle, market, limits, clock, tally, prompt))
    return tally


__all__ = [
    "CLIENT_TIMEOUT_S",
    "Farthing",
    "Fixed",
    "LowestListPrice",
    "Oracle",
    "ReplayCatalog",
    "Tally",
    "replay",
    "replay_oracle",
]
