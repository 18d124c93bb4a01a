"""The comparison of policies over conversations: with caches that always hit, and with realistic ones."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from benchmarks.replay.conversations import (
    Bill,
    Chooser,
    FarthingConversations,
    LowestListPriceEach,
    Payments,
    PlannedConversations,
    PromptCaches,
    Turn,
    replay_conversations,
)
from benchmarks.replay.policies import ATTO_PER_USD, ReplayCatalog

VARIANTS: Mapping[str, bool] = {"hits always": True, "real hits": False}


@dataclass(frozen=True, slots=True)
class ConversationLine:
    """The figures of one policy over all conversations."""

    policy: str
    usd_per_1000: float
    ratio_to_oracle: float
    answered_by: Mapping[str, int]


def compare_conversations(
    conversations: Sequence[Sequence[Turn]], market_of: Callable[[], ReplayCatalog], start: datetime, seed: int
) -> dict[str, list[ConversationLine]]:
    """Replay every policy over the same conversations, once for each variant of the caches; the oracle comes last."""
    return {
        name: _lines(conversations, market_of, start, PromptCaches(always, seed)) for name, always in VARIANTS.items()
    }


def _lines(
    conversations: Sequence[Sequence[Turn]],
    market_of: Callable[[], ReplayCatalog],
    start: datetime,
    caches: PromptCaches,
) -> list[ConversationLine]:
    def oracle(market: ReplayCatalog) -> Chooser:
        planned = PlannedConversations(market.catalog, market.model, caches, start)
        planned.plan(conversations)
        return planned

    makers: dict[str, Callable[[ReplayCatalog], Chooser]] = {
        "farthing chat": lambda market: FarthingConversations(market.catalog, market.model),
        "farthing http": lambda market: FarthingConversations(market.catalog, market.model, http=True),
        "farthing, the turn alone": lambda market: FarthingConversations(market.catalog, market.model, greedy=True),
        "LiteLLM's lowest cost": lambda market: LowestListPriceEach(market.catalog, market.model),
        "oracle": oracle,
    }
    bills: dict[str, Bill] = {}
    for name, make in makers.items():
        market = market_of()
        bills[name] = replay_conversations(make(market), Payments(market.catalog, caches, start), conversations)
    turns, best = sum(map(len, conversations)), sum(bills["oracle"].costs.values())
    return [
        ConversationLine(
            name,
            sum(bill.costs.values()) / ATTO_PER_USD / turns * 1000,
            sum(bill.costs.values()) / best if best else 1.0,
            dict(sorted(bill.by_offer.items(), key=lambda item: -item[1])),
        )
        for name, bill in bills.items()
    ]


def conversations_json(found: Mapping[str, Sequence[ConversationLine]]) -> list[dict[str, object]]:
    return [{"name": name, "policies": [asdict(line) for line in lines]} for name, lines in found.items()]


def conversations_text(found: Mapping[str, Sequence[ConversationLine]], count: int) -> str:
    rows = [
        f"\nconversations, {name}: {count}\npolicy                    $/1,000 turns   x oracle\n"
        + "\n".join(f"{line.policy:25} {line.usd_per_1000:13.4f} {line.ratio_to_oracle:10.3f}" for line in lines)
        for name, lines in found.items()
    ]
    return "\n".join(rows)
