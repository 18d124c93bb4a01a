"""A replay of conversations: made from a trace, answered with a model of the providers' prompt caches."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Protocol

from benchmarks.replay.inputs import Prompt
from engine.catalog.catalog import Catalog
from engine.catalog.offers import Model, Offer
from engine.catalog.prompt_cache import LIFETIMES
from engine.chat import ChatRequest, Message, Role, Usage, says
from engine.completion import Choice, Completion
from engine.routing.permits import OfferStatus
from engine.routing.plan import plan
from web.pipeline.conversation_ids import ConversationIds

BYTES_PER_TOKEN = 4
LAST_TURN_CHANCE = 0.25
LEAST_GAP_S, GAP_MEDIAN_S, GAP_SIGMA = 6.0, 40.0, 1.0  # the shortest gap is longer than an answer takes
ANSWER_S = 5.0
QUESTION_MEDIAN_TOKENS, QUESTION_SIGMA = 60, 0.8
MOST_TURNS = 30
TENANTS = 20
REAL_SHARES = {"deepseek": 0.95, "openai": 0.7, "gemini": 0.5, "openrouter": 0.5, "groq": 0.5}


@dataclass(frozen=True, slots=True)
class Turn:
    """One prompt of a conversation. `question_tokens`: the part of the input that is new."""

    conversation: int
    number: int
    at_s: float
    question_tokens: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class PromptCaches:
    """The hits of the providers' caches. `always`: every earlier prompt of the conversation at the same offer hits.

    Otherwise a prompt hits within the provider's lifetime, from its minimum length on, and with a chance that differs
    by provider.
    """

    always: bool
    seed: int

    def share(self, offer: Offer, prefix_tokens: int, gap_s: float) -> float:
        """Return the chance of a hit."""
        if self.always:
            return 1.0
        lifetimes = {provider: (seconds, least) for provider, seconds, least in LIFETIMES}
        seconds, least = lifetimes.get(offer.provider, (0.0, 0))
        return REAL_SHARES.get(offer.provider, 0.0) if gap_s <= seconds and prefix_tokens >= least else 0.0

    def cached_tokens(self, offer: Offer, turn: Turn, prefix_tokens: int, gap_s: float) -> int:
        """Return the tokens billed as cached. For one turn at one offer they are always the same."""
        luck = random.Random(f"{self.seed} {offer.name} {turn.conversation} {turn.number}").random()
        return prefix_tokens if luck < self.share(offer, prefix_tokens, gap_s) else 0


def make_conversations(prompts: Sequence[Prompt], seed: int) -> list[list[Turn]]:
    """Make conversations from the prompts, each prompt one turn. The trace has none, so their shape is invented.

    A conversation begins at the arrival of its first prompt, with that prompt's input. Each further prompt gives the
    length of one more answer.
    """
    chance = random.Random(f"conversations {seed}")
    made: list[list[Turn]] = []
    rest = iter(prompts)
    for first in rest:
        turns = [Turn(len(made), 1, first.arrival_s, first.input_tokens, first.input_tokens, first.output_tokens)]
        while len(turns) < MOST_TURNS and chance.random() >= LAST_TURN_CHANCE:
            answer = next(rest, None)
            if answer is None:
                break
            last = turns[-1]
            at_s = last.at_s + LEAST_GAP_S + chance.lognormvariate(0, GAP_SIGMA) * GAP_MEDIAN_S
            question = max(1, round(chance.lognormvariate(0, QUESTION_SIGMA) * QUESTION_MEDIAN_TOKENS))
            tokens = last.input_tokens + last.output_tokens + question
            turns.append(Turn(last.conversation, last.number + 1, at_s, question, tokens, answer.output_tokens))
        made.append(turns)
    return made


@dataclass(slots=True)
class Bill:
    """The cost of each conversation in atto-dollars, and the turns that each offer answered."""

    costs: dict[int, int] = field(default_factory=dict)
    by_offer: dict[str, int] = field(default_factory=dict)

    def add(self, turn: Turn, offer: Offer, cost_atto: int) -> None:
        self.costs[turn.conversation] = self.costs.get(turn.conversation, 0) + cost_atto
        self.by_offer[offer.name] = self.by_offer.get(offer.name, 0) + 1


class Chooser(Protocol):
    def choose(self, turn: Turn, now: datetime) -> Offer: ...
    def answered(self, turn: Turn, offer: Offer, usage: Usage, now: datetime) -> None: ...


@dataclass(slots=True)
class Payments:
    """The cost of a turn at an offer, with the state of the conversation's caches there."""

    catalog: Catalog
    caches: PromptCaches
    start: datetime
    _sent: dict[tuple[int, Offer], Turn] = field(default_factory=dict)

    def now(self, turn: Turn) -> datetime:
        return self.start + timedelta(seconds=turn.at_s)

    def pay(self, turn: Turn, offer: Offer) -> tuple[Usage, int]:
        """Return the usage and the cost of a turn. Its prompt is then cached at the offer."""
        price = self.catalog.book.price(offer.provider, offer.model, self.now(turn))
        assert price is not None
        before = self._sent.get((turn.conversation, offer))
        cached = 0
        if before is not None and price.rates(0).cached_input < price.rates(0).input:
            cached = self.caches.cached_tokens(offer, turn, before.input_tokens, turn.at_s - before.at_s)
        self._sent[turn.conversation, offer] = turn
        usage = Usage(turn.input_tokens, turn.output_tokens, cached)
        return usage, price.cost_atto(usage)


def replay_conversations(chooser: Chooser, payments: Payments, conversations: Sequence[Sequence[Turn]]) -> Bill:
    """Answer all turns in order of time. Each turn's usage is reported before the next turn of its conversation."""
    bill = Bill()
    waiting: list[tuple[float, Callable[[], None]]] = []

    def report(turn: Turn, offer: Offer, usage: Usage) -> Callable[[], None]:
        return lambda: chooser.answered(turn, offer, usage, payments.now(turn))

    for turn in sorted((turn for turns in conversations for turn in turns), key=lambda turn: turn.at_s):
        while waiting and waiting[0][0] <= turn.at_s:
            waiting.pop(0)[1]()
        offer = chooser.choose(turn, payments.now(turn))
        usage, cost_atto = payments.pay(turn, offer)
        bill.add(turn, offer, cost_atto)
        waiting.append((turn.at_s + ANSWER_S, report(turn, offer, usage)))
    return bill


class FarthingConversations:
    """The real catalog and planner. As in the HTTP front end, conversations are recognized by their history.

    `greedy`: choose by the cost of the turn alone.
    """

    def __init__(self, catalog: Catalog, model: Model, *, http: bool = False, greedy: bool = False) -> None:
        self._catalog, self._model, self._greedy = catalog, model, greedy
        self._seconds = 0.0
        self._ids = ConversationIds(lambda: self._seconds) if http else None
        self._said: dict[int, tuple[Message, ...]] = {}
        self._requests: dict[tuple[int, int], ChatRequest] = {}

    def choose(self, turn: Turn, now: datetime) -> Offer:
        request = self._request(turn)
        self._requests[turn.conversation, turn.number] = request
        quotes, drops = self._catalog.quote(request, self._model, now, _tenant(turn))
        if self._greedy:
            quotes = tuple(quote._replace(later_atto=0) for quote in quotes)
        return plan(quotes, drops, _is_well, delay_usd_per_second=_NO_DELAY).quotes[0].offer

    def answered(self, turn: Turn, offer: Offer, usage: Usage, now: datetime) -> None:
        request, said = self._requests.pop((turn.conversation, turn.number)), _text(usage.output_tokens)
        self._said[turn.conversation] = (*request.messages, says(Role.ASSISTANT, said))
        if self._ids is not None:
            completion = Completion(offer.provider, offer.model, (Choice(said),), usage)
            self._ids.answered(_tenant(turn), request.conversation, completion)
        self._catalog.learn(request, offer, usage, said, _tenant(turn))
        self._catalog.remember(request, offer, usage, now, _tenant(turn))

    def _request(self, turn: Turn) -> ChatRequest:
        question = says(Role.USER, f"{turn.conversation} {turn.number} " + _text(turn.question_tokens))
        messages = (*self._said.get(turn.conversation, ()), question)
        name, self._seconds = f"{turn.conversation}:{turn.number}", turn.at_s
        conversation = f"{turn.conversation}:0"
        if self._ids is not None:
            conversation = self._ids.of(_tenant(turn), messages, name)
        return ChatRequest(name, self._model.name, messages, conversation=conversation)


class LowestListPriceEach:
    """LiteLLM's rule: the lowest list price per token of input and output, regardless of the conversation."""

    def __init__(self, catalog: Catalog, model: Model) -> None:
        self._catalog, self._model = catalog, model

    def choose(self, turn: Turn, now: datetime) -> Offer:  # noqa: ARG002 - the turn does not matter
        def list_price(offer: Offer) -> int:
            price = self._catalog.book.price(offer.provider, offer.model, now)
            assert price is not None
            return price.rates(0).input + price.rates(0).output

        return min(self._model.offers, key=list_price)

    def answered(self, turn: Turn, offer: Offer, usage: Usage, now: datetime) -> None:
        """Do nothing: this policy does not learn."""


@dataclass(slots=True)
class PlannedConversations:
    """The oracle: it knows all turns of a conversation and the chance of each cache hit, but not the random outcome.

    It plans the cheapest sequence of offers. After a change of the offer, the earlier offer's cache counts as lost.
    """

    catalog: Catalog
    model: Model
    caches: PromptCaches
    start: datetime
    plans: dict[tuple[int, int], Offer] = field(default_factory=dict)

    def plan(self, conversations: Sequence[Sequence[Turn]]) -> None:
        for turns in conversations:
            for turn, offer in zip(turns, self._cheapest(turns), strict=True):
                self.plans[turn.conversation, turn.number] = offer

    def choose(self, turn: Turn, now: datetime) -> Offer:  # noqa: ARG002 - planned before
        return self.plans[turn.conversation, turn.number]

    def answered(self, turn: Turn, offer: Offer, usage: Usage, now: datetime) -> None:
        """Do nothing: this policy does not learn."""

    def _cheapest(self, turns: Sequence[Turn]) -> list[Offer]:
        best = {offer: (self._cost(turns[0], offer, None), [offer]) for offer in self.model.offers}
        for before, turn in pairwise(turns):
            others, others_plan = min(best.values(), key=lambda found: found[0])
            following: dict[Offer, tuple[float, list[Offer]]] = {}
            for offer, (spent, taken) in best.items():
                stay, change = spent + self._cost(turn, offer, before), others + self._cost(turn, offer, None)
                following[offer] = (stay, [*taken, offer]) if stay <= change else (change, [*others_plan, offer])
            best = following
        return min(best.values(), key=lambda found: found[0])[1]

    def _cost(self, turn: Turn, offer: Offer, before: Turn | None) -> float:
        price = self.catalog.book.price(offer.provider, offer.model, self.start + timedelta(seconds=turn.at_s))
        assert price is not None
        rates = price.rates(turn.input_tokens)
        cost = float(price.cost_atto(Usage(turn.input_tokens, turn.output_tokens)))
        if before is not None:
            share = self.caches.share(offer, before.input_tokens, turn.at_s - before.at_s)
            cost -= share * before.input_tokens * (rates.input - rates.cached_input)
        return cost


_NO_DELAY = Fraction(0)


def _is_well(_: Offer) -> OfferStatus:
    return OfferStatus()


def _tenant(turn: Turn) -> int:
    return turn.conversation % TENANTS


def _text(tokens: int) -> str:
    return "word " * max(1, tokens * BYTES_PER_TOKEN // 5)
