"""Everything that can go wrong on the road of a prompt: one class per cause, a parent you can catch.

EngineError
├── Refused                 before any network call; nothing sent, nothing charged
│   ├── UnknownModel        nobody sells it under that name
│   ├── ModelNotInPlan      the tenant's plan leaves it out
│   ├── TooManyRequests     the plan's requests per minute are used up
│   ├── InsufficientFunds   neither allowance nor wallet covers the least answer
│   ├── TenantBanned        an operator has shut this tenant out
│   ├── SpendingCapReached  the operator's own brake
│   ├── BadRequest          a field is wrong, and which
│   └── Closing             the process is stopping and takes no new work
├── RequestRejected         a provider says that the request itself is at fault: final
├── NoProvider              nobody could answer; says when the smallest rest ends
├── HoldLost                resolved by somebody else meanwhile: nothing was charged
├── AnswerCut               broke off after the first word and nobody could restart it
└── ProviderError           one attempt failed; the gateway decides what follows
    ├── KeyRefused          rests until mended, tells the admins
    ├── BalanceGone         rests until mended, tells the admins
    ├── RateLimited         rests as told; no failure of the provider
    ├── TooBigForNow        over the minute's token budget: this offer is unable at this size
    ├── ContextTooLong      the next offer with a longer context
    ├── RequestFault        the request's own fault: final
    ├── CapabilityMissing   a 400 about what this offer lacks, or a field that we added: the next offer
    ├── NoSuchModel         the offer is out until the next refresh
    ├── Overloaded          5xx and kin
    ├── Unreachable         DNS, connect, TLS, reset
    ├── FirstTokenLate      no first word in time
    ├── WentSilent          silence within an answer
    ├── StreamCut           ended without an end marker or finish reason
    ├── Garbled             a 200 that isn't the dialect
    └── EmptyAnswer         ended properly with nothing in it

No status codes of ours, no words for users: each face translates them.
"""

from typing import ClassVar

from engine.holds import Shortfall


class EngineError(Exception):
    """Any of the above."""


class Refused(EngineError):
    """Not admitted: nothing was sent, nothing charged."""


class UnknownModel(Refused):
    def __init__(self, model: str, known: tuple[str, ...] = ()) -> None:
        super().__init__(f"no model is called {model!r}")
        self.model, self.known = model, known


class ModelNotInPlan(Refused):
    def __init__(self, model: str, plan: str) -> None:
        super().__init__(f"the plan {plan} does not include the model {model}")
        self.model, self.plan = model, plan


class TooManyRequests(Refused):
    def __init__(self, requests_per_minute: int, retry_after_seconds: float) -> None:
        super().__init__(f"over {requests_per_minute} requests a minute; free again in {retry_after_seconds:.0f} s")
        self.requests_per_minute, self.retry_after_seconds = requests_per_minute, retry_after_seconds


class InsufficientFunds(Refused):
    def __init__(self, shortfall: Shortfall) -> None:
        super().__init__(f"the least answer needs {shortfall.missing} USD more")
        self.shortfall = shortfall


class TenantBanned(Refused):
    def __init__(self, tenant_id: int) -> None:
        super().__init__(f"tenant {tenant_id} is banned")
        self.tenant_id = tenant_id


class SpendingCapReached(Refused):
    def __init__(self, per: str) -> None:
        super().__init__(f"the house's own limit per {per} is reached")
        self.per = per


class BadRequest(Refused):
    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason = field, reason


class Closing(Refused):
    def __init__(self) -> None:
        super().__init__("stopping: no new work is taken")


class RequestRejected(EngineError):
    """Final: `reason` is the provider's sentence; `moderation` when it is a refusal of the prompt."""

    def __init__(self, provider: str, reason: str, *, moderation: bool = False) -> None:
        super().__init__(f"{provider} rejects the request: {reason}")
        self.provider, self.reason, self.moderation = provider, reason, moderation


class NoProvider(EngineError):
    """Nobody could answer. `tried` names each provider asked and how it failed."""

    def __init__(self, retry_after_seconds: float, tried: tuple[str, ...] = ()) -> None:
        super().__init__(f"no provider can answer now (tried: {', '.join(tried) or 'none'})")
        self.retry_after_seconds, self.tried = retry_after_seconds, tried


class AnswerCut(EngineError):
    def __init__(self, provider: str, outcome: str) -> None:
        super().__init__(f"the answer of {provider} broke off ({outcome}) and nobody could restart it")
        self.provider, self.outcome = provider, outcome


class HoldLost(EngineError):
    """The hold expired, or a later epoch of the same request took over: nothing was charged."""

    def __init__(self, hold_id: str) -> None:
        super().__init__(f"hold {hold_id} was resolved meanwhile")
        self.hold_id = hold_id


class ProviderError(EngineError):
    """One attempt failed. `outcome` is its name in the journal; `counts` when the breaker counts it."""

    outcome: ClassVar[str] = "failed"
    counts: ClassVar[bool] = False

    def __init__(self, detail: str = "", *, status: int | None = None) -> None:
        super().__init__(f"{self.outcome}: {detail}" if detail else self.outcome)
        self.detail, self.status = detail, status


class KeyRefused(ProviderError):
    outcome = "key_refused"


class BalanceGone(ProviderError):
    outcome = "balance_gone"


class RateLimited(ProviderError):
    """`retry_after_seconds` None: the provider did not say. `per_day` when a day's quota is used up."""

    outcome = "rate_limited"

    def __init__(
        self,
        detail: str = "",
        *,
        status: int | None = 429,
        retry_after_seconds: float | None = None,
        per_day: bool = False,
    ) -> None:
        super().__init__(detail, status=status)
        self.retry_after_seconds, self.per_day = retry_after_seconds, per_day


class TooBigForNow(ProviderError):
    outcome = "too_big"


class ContextTooLong(ProviderError):
    """`context_tokens`: the longest context, where the provider names it."""

    outcome = "context_too_long"

    def __init__(self, detail: str = "", *, status: int | None = 400, context_tokens: int | None = None) -> None:
        super().__init__(detail, status=status)
        self.context_tokens = context_tokens


class RequestFault(ProviderError):
    """The request's own fault; `moderation` when the provider refuses the prompt for what it says."""

    outcome = "bad_request"

    def __init__(self, detail: str = "", *, status: int | None = 400, moderation: bool = False) -> None:
        super().__init__(detail, status=status)
        self.moderation = moderation


class CapabilityMissing(ProviderError):
    outcome = "unable"


class NoSuchModel(ProviderError):
    outcome = "no_such_model"


class Overloaded(ProviderError):
    outcome = "overloaded"
    counts = True


class Unreachable(ProviderError):
    outcome = "unreachable"
    counts = True


class FirstTokenLate(ProviderError):
    outcome = "timeout"
    counts = True


class WentSilent(ProviderError):
    outcome = "silence"
    counts = True


class StreamCut(ProviderError):
    outcome = "cut"
    counts = True


class Garbled(ProviderError):
    outcome = "garbled"
    counts = True


class EmptyAnswer(ProviderError):
    outcome = "empty"
    counts = True
