"""AttemptRecord: the journal's line about one attempt. Receipt: the facts about an answer that /why shows."""

from datetime import datetime

from msgspec import Struct

from engine.chat import ChatRequest, Usage
from engine.embeddings import EmbeddingRequest
from engine.money import ZERO, Money

ANSWERED = "answered"  # the whole answer was kept
STOPPED = "stopped"  # the reader stopped the answer or left: the delivered part was kept
ABANDONED = "abandoned"  # the reader left before the first content
UNREAD = "unread"  # billed by the provider after the reader had left
UNDELIVERED = "undelivered"  # no part of the answer could be shown: its charge was given back, its cost is waste
HEDGED = "hedged"  # lost against a second offer that was asked in parallel and was faster
CLOSING = "closing"  # the process was stopping
NO_SPEECH = "nothing_heard"  # the recording contained no speech: not charged
NO_PROVIDER = "no_provider"  # no provider could take the prompt: the line names no offer
# every other outcome is the `outcome` of a ProviderError

MOST_DETAIL_CHARS = 200  # longest part of a provider's error text that the journal keeps
NO_OFFER = "none"  # stands in a NO_PROVIDER line for the provider and the model


class AttemptRecord(Struct, frozen=True, kw_only=True):
    """The journal's line about one attempt. `cost` is the provider's bill; `waste` is the part that no tenant pays for.

    `tenant_id` None: a probe that the operator pays for. `served`: the model that the provider named, if it differs
    from `model`. `first_token_ms` None: the attempt brought no content.
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
    """Return the journal's line about a prompt that no provider could take. Outages are detected by these lines."""
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


class QuoteLine(Struct, frozen=True):
    """One offer of the route, with the cost that was expected for the request when it was quoted."""

    provider: str
    model: str
    expected: Money
    last_resort: bool = False


class DropLine(Struct, frozen=True):
    """One offer that was left out of the route, with the reason."""

    provider: str
    model: str
    reason: str


class Receipt(Struct, frozen=True):
    """The offers that were quoted, dropped and attempted for one answer.

    `list_price` is GPT-4o's list price for the same tokens; None if no price is known.
    """

    request_id: str
    asked: str
    answered_at: datetime
    quotes: tuple[QuoteLine, ...]
    drops: tuple[DropLine, ...]
    attempts: tuple[AttemptRecord, ...] = ()
    list_price: Money | None = None
