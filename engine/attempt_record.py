"""Attempt: one try at one offer, always journaled; Receipt: all that /why tells of an answer."""

from dataclasses import dataclass, field
from datetime import datetime

from engine.chat import ChatRequest, Usage
from engine.money import ZERO, Money

ANSWERED = "answered"  # kept, whole
STOPPED = "stopped"  # kept as far as it was delivered: the reader stopped it or left
ABANDONED = "abandoned"  # the reader left before the first word
UNREAD = "unread"  # what a provider went on to bill after the reader had left
HEDGED = "hedged"  # another one was asked too, and was faster
CLOSING = "closing"  # the process stopped
NO_SPEECH = "nothing_heard"  # a recording without a word: nobody pays for it
NO_PROVIDER = "no_provider"  # no provider could take the prompt; written without an offer
# any other outcome is the `outcome` of a ProviderError

MOST_DETAIL_CHARS = 200  # of a provider's sentence, in the journal
NO_OFFER = "none"  # provider and model of a NO_PROVIDER line


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One try. Cost is what the provider bills; waste is the part of that bill which nobody pays for.

    `tenant_id` None: a probe at the house's cost. `served` is the model that the provider named, if another.
    `first_token_ms` None: no word came.
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


def unanswered(tenant_id: int | None, request: ChatRequest, *, ordinal: int, now: datetime) -> AttemptRecord:
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
    """One offer on the route, as it was quoted: USD expected for this request at that minute."""

    provider: str
    model: str
    expected: Money
    last_resort: bool = False


@dataclass(frozen=True, slots=True)
class DropLine:
    """One offer left out, and why."""

    provider: str
    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """Who was asked, dropped and answered; what it cost the house, and what it would have cost elsewhere.

    `list_price` is what GPT-4o costs for the same tokens at list price; None where no price is known.
    """

    request_id: str
    asked: str
    answered_at: datetime
    quotes: tuple[QuoteLine, ...]
    drops: tuple[DropLine, ...]
    attempts: tuple[AttemptRecord, ...] = field(default=())
    list_price: Money | None = None
