"""Cases: small markets with one fault each, and the figure that Farthing must reach."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from benchmarks.replay.inputs import Fault, Prompt
from benchmarks.replay.policies import Farthing, Fixed, Policy, ReplayCatalog, Tally, replay
from benchmarks.replay.world import Clock, Outcome, World
from engine.catalog.offers import Offer, Price, flat_price

START = datetime(2026, 11, 25, tzinfo=UTC)
INPUT_TOKENS, OUTPUT_TOKENS = 400, 100
ALWAYS_S = 1e6
CHEAP, NEAR, DEAR = Offer("cheap", "m"), Offer("near", "m"), Offer("dear", "m")
MINI, GPT_4O = Offer("openai", "gpt-4o-mini"), Offer("openai", "gpt-4o")
PRICES = {
    CHEAP: flat_price("0.10", "0.40"),
    NEAR: flat_price("0.11", "0.44"),
    DEAR: flat_price("0.40", "1.60"),
    MINI: flat_price("0.15", "0.60"),
    GPT_4O: flat_price("2.50", "10"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A case. `processes` share one key, and answer the prompts alternately."""

    name: str
    offers: tuple[Offer, ...]
    faults: tuple[Fault, ...]
    prompts: int
    per_second: float
    measure: "Measure"
    most: float
    processes: int = 1
    is_regular: bool = False


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The figure that was reached, and the highest acceptable one. `lost`: prompts without an answer."""

    case: str
    measure: str
    value: float
    most: float
    lost: int
    prompts: int

    @property
    def is_reached(self) -> bool:
        return self.value <= self.most


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of a replay. `of` gets our tally, and that of the fixed order of the offers."""

    name: str
    of: Callable[[Tally, Tally], float]


def _lost(tally: Tally) -> int:
    return sum(cost is None for cost in tally.costs.values())


def _bill_ratio(ours: Tally, fixed: Tally) -> float:
    both = [number for number, cost in ours.costs.items() if cost is not None and fixed.costs[number] is not None]
    return sum(ours.costs[number] or 0 for number in both) / sum(fixed.costs[number] or 0 for number in both)


def _refused_percent_of_cheap(ours: Tally, _: Tally) -> float:
    return 100 * len(ours.refusals.get(CHEAP.provider, ())) / max(1, len(ours.sent.get(CHEAP.provider, ())))


LOST = Measure("prompts lost", lambda ours, _: _lost(ours))
BILL = Measure("bill, times that of the cheapest first and then the next", _bill_ratio)
REFUSED = Measure("429s, % of the attempts at the limited offer", _refused_percent_of_cheap)


def _limited(name: str, kind: str, most: float, processes: int = 1) -> Case:
    fault = Fault(CHEAP.provider, 0, ALWAYS_S, kind, 20)
    return Case(name, (CHEAP, DEAR), (fault,), 1400, 35 / 60, REFUSED, most, processes)


def _blips(provider: str) -> tuple[Fault, ...]:
    return tuple(Fault(provider, start, start + 3, "down", 0.05) for start in range(30, 600, 60))


CASES: tuple[Case, ...] = (
    Case(
        "a sick model beside a healthy one of its provider",
        (MINI, GPT_4O),
        (Fault(MINI.name, 0, ALWAYS_S, "flaky", 1), Fault(GPT_4O.name, 0, ALWAYS_S, "slow", 1.5)),
        120,
        4,
        LOST,
        0,
    ),
    Case(
        "a single offer, 30 % quick 500s",
        (CHEAP,),
        (Fault(CHEAP.provider, 0, ALWAYS_S, "flaky", 0.3),),
        60,
        1,
        LOST,
        1,
        is_regular=True,
    ),
    Case(
        "30 % flaky cheapest, the next four times as dear",
        (CHEAP, DEAR),
        (Fault(CHEAP.provider, 0, ALWAYS_S, "flaky", 0.3),),
        500,
        2,
        BILL,
        1.05,
    ),
    Case("a blip of 3 s, no other offer", (CHEAP,), (Fault(CHEAP.provider, 60, 63, "down", 0.05),), 2000, 10, LOST, 35),
    Case(
        "both cheapest fail for the same 3 s each minute",
        (CHEAP, NEAR, DEAR),
        (*_blips(CHEAP.provider), *_blips(NEAR.provider)),
        3000,
        5,
        LOST,
        0,
    ),
    Case(
        "a silent cut from 50 to 20 a minute, at 35",
        (CHEAP, DEAR),
        (Fault(CHEAP.provider, 0, 600, "limit", 50), Fault(CHEAP.provider, 600, ALWAYS_S, "limit", 20)),
        1400,
        35 / 60,
        REFUSED,
        5,
    ),
    _limited("20 in any minute, at 35", "limit", 5),
    _limited("20 in a fixed minute, at 35", "limit-minute", 5),
    _limited("a token bucket of 20 a minute, at 35", "limit-bucket", 5),
    _limited("20 in any minute, refused ones counted, at 35", "limit-counted", 8),
    _limited("20 in any minute, two processes on one key, at 35", "limit", 8, processes=2),
)


class Processes:
    """Several processes of Farthing, each with its own health, that answer the prompts alternately."""

    def __init__(self, policies: Sequence[Farthing]) -> None:
        self._policies = policies
        self.name = policies[0].name

    def offers(self, prompt: Prompt) -> Iterator[Offer | float]:
        return self._of(prompt).offers(prompt)

    def first_token(self, offer: Offer, prompt: Prompt) -> None:
        self._of(prompt).first_token(offer, prompt)

    def ended(self, offer: Offer, prompt: Prompt, outcome: Outcome) -> None:
        self._of(prompt).ended(offer, prompt, outcome)

    def _of(self, prompt: Prompt) -> Farthing:
        return self._policies[prompt.number % len(self._policies)]


def run_case(case: Case, market_of: Callable[[dict[str, Price]], ReplayCatalog], seed: int) -> CaseResult:
    """Replay a case, also with the fixed order of its offers."""
    prompts, world = _prompts(case, seed), World(case.faults, seed)
    prices = {offer.name: PRICES[offer] for offer in case.offers}

    def tally_of(make: Callable[[Clock], Policy]) -> Tally:
        clock = Clock(START)
        return replay(make(clock), market_of(prices), world, clock, prompts)

    ours = tally_of(lambda clock: Processes([Farthing(market_of(prices), clock) for _ in range(case.processes)]))
    fixed = tally_of(lambda _: Fixed("the fixed order", case.offers))
    value = round(case.measure.of(ours, fixed), 3)
    return CaseResult(case.name, case.measure.name, value, case.most, _lost(ours), len(prompts))


def cases_json(results: Sequence[CaseResult]) -> list[dict[str, object]]:
    return [{**asdict(result), "is_reached": result.is_reached} for result in results]


def cases_text(results: Sequence[CaseResult]) -> str:
    rows = [
        f"{result.case:52} {result.value:8.3f}  at most {result.most:5.2f}  lost {result.lost:3} of {result.prompts:5}"
        f"  {'' if result.is_reached else 'MISSED  '}{result.measure}"
        for result in results
    ]
    return "\n".join(["", "cases", *rows])


def _prompts(case: Case, seed: int) -> list[Prompt]:
    """Return prompts of one size that arrive at random, or at regular times if the case is regular."""
    chance, at, found = random.Random(f"arrivals {case.name} {seed}"), 0.0, []
    for number in range(case.prompts):
        found.append(Prompt(number, at, INPUT_TOKENS, OUTPUT_TOKENS))
        at += 1 / case.per_second if case.is_regular else chance.expovariate(case.per_second)
    return found
