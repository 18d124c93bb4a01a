"""AttemptRecord: the journal's line of one attempt. Receipt: the facts about an answer that /why shows."""

from dataclasses import dataclass, field
from datetime import datetime

from engine.chat import ChatRequest, Usage
from engine.embeddings import EmbeddingRequest
from engine.money import ZERO, Money

ANSWERED = "answered"  # kept, whole
STOPPED = "stopped"  # the delivered part was kept: the reader stopped it or left
ABANDONED = "abandoned"  # the reader left before the first content
UNREAD = "unread"  # billed by the provider after the reader had left
UNDELIVERED = "undelivered"  # nothing of the answer could be shown: its charge was given back, its cost is waste
HEDGED = "hedged"  # a second offer was asked too, and was faster
CLOSING = "closing"  # the process stopped
NO_SPEECH = "nothing_heard"  # a recording without speech: not charged
NO_PROVIDER = "no_provider"  # no provider could take the prompt; written without an offer
# every other outcome is the `outcome` of a ProviderError

MOST_DETAIL_CHARS = 200  # of a provider's sentence, in the journal
NO_OFFER = "none"  # provider and model of a NO_PROVIDER line


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One attempt. `cost` is the provider's bill; `waste` is the part of it that no tenant pays for.

    `tenant_id` None: a probe at the operator's cost. `served` is the model that the provider named, if another.
    `first_token_ms` None: no content came.
    """

    request_id: str
    ordinal: int
    tenant_id: int | None
    key_id: int | None
    asked: str
    provider: str
    model: str
    outcome: str
    started_at: datetime
    duration_ms: int
    first_token_ms: int | None = None
    usage: Usage | None = None
    cost: Money = ZERO
    waste: Money = ZERO
    kept: bool = False
    served: str = ""
    status: int | None = None
    detail: str = ""


def unanswered(
    tenant_id: int | None, request: ChatRequest | EmbeddingRequest, *, ordinal: int, now: datetime
) -> AttemptRecord:
    """Return the journal line of a prompt that no provider could take: outages are detected by it."""
    return AttemptRecord(
        request_id=request.id,
        ordinal=ordinal,
        tenant_id=tenant_id,
        key_id=request.key_id,
        asked=request.model,
        provider=NO_OFFER,
        model=NO_OFFER,
        outcome=NO_PROVIDER,
        started_at=now,
        duration_ms=0,
    )


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """One offer of the route, with its expected cost for this request at that minute."""

    provider: str
    model: str
    expected: Money
    last_resort: bool = False


@dataclass(frozen=True, slots=True)
class DropLine:
    """One offer that was left out, with the reason."""

    provider: str
    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """The offers that were quoted, dropped and attempted for one answer.

    `list_price` is GPT-4o's list price for the same tokens; None where no price is known.
    """

    request_id: str
    asked: str
    answered_at: datetime
    quotes: tuple[QuoteLine, ...]
    drops: tuple[DropLine, ...]
    attempts: tuple[AttemptRecord, ...] = field(default=())
    list_price: Money | None = None
