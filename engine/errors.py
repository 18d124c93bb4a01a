"""The errors of the engine: one class per cause, under parents to catch.

EngineError
├── Refused                 before any network call; nothing sent, nothing charged
│   ├── UnknownModel        no provider sells a model of that name
│   ├── ModelNotSold        the model exists, and its bill is not counted in text tokens but in `unit`
│   │   └── NotForChat      it makes embeddings and answers no prompt
│   ├── NotForEmbeddings    the model answers prompts and makes no embeddings
│   ├── ModelNotPriced      no exact price of the model is known
│   ├── ModelNotInPlan      the tenant's plan does not include the model
│   ├── ModelNotInKey       the API key's own list does not include the model
│   ├── ExcludedBySettings  the tenant lets none of the able `providers` see its prompts
│   ├── TooManyRequests     the requests per minute of the plan, or (`key_limited`) of the API key, are used up
│   ├── DailyAnswersUsed    the plan's answers of this UTC day are used up
│   ├── InsufficientFunds   allowance and wallet do not cover the smallest answer
│   ├── TenantBanned        an operator has banned this tenant
│   ├── SpendingCapReached  the operator's spending cap is reached
│   ├── BadRequest          a field is wrong, and which
│   └── Closing             the process is stopping and takes no new work
├── RequestRejected         the request itself is at fault, by a provider's refusal or by every offer's limits: final
├── NoProvider              no provider could answer; with those `tried`, those `left_out` by settings, and the wait
├── HoldLost                the hold was captured, void or expired meanwhile: nothing was charged
├── AnswerCut               broke off after the first content and could not be restarted
└── ProviderError           one attempt failed; the gateway decides how to go on
    ├── KeyRefused          the API key rests until an operator mends it; admins are alerted
    ├── BalanceGone         the API key rests until an operator pays; admins are alerted
    ├── RateLimited         the API key rests as the provider says; no failure of the provider
    ├── TooBigForNow        over the provider's tokens per minute: this offer can't take a request of this size
    ├── ContextTooLong      the next offer with a longer context
    ├── RequestFault        a 400 that is not classified: one other offer; a second one, or moderation, is final
    ├── CapabilityMissing   a 400 about a capability that this offer lacks, or a field that we added: the next offer
    ├── NoSuchModel         the offer is out until the next refresh
    ├── Overloaded          a 5xx, or its like
    ├── Unreachable         DNS, connection or TLS failed: nothing could be sent to the provider
    ├── FirstTokenLate      no first token in time
    ├── WentSilent          no content or reasoning for too long within an answer
    ├── StreamCut           ended without an end marker or finish reason, or the connection was lost after the request
    ├── Garbled             a 200 that is not in the dialect
    └── EmptyAnswer         ended without content, reasoning or a reason to have none

Errors build their own sentence, for operators. They hold no HTTP status of ours and no words for users: each front end
translates them.
"""

from typing import ClassVar

from engine.holds import Shortfall


class EngineError(Exception):
    """Any error of the engine."""


class Refused(EngineError):
    """The request was not admitted: nothing was sent, nothing charged."""


class UnknownModel(Refused):
    def __init__(self, model: str, known: tuple[str, ...] = ()) -> None:
        super().__init__(f"no model is called {model!r}")
        self.model, self.known = model, known


class ModelNotSold(Refused):
    def __init__(self, model: str, unit: str) -> None:
        super().__init__(f"{model!r} is not sold: its bill is not counted in text tokens but in {unit}")
        self.model, self.unit = model, unit


class NotForChat(ModelNotSold):
    def __init__(self, model: str) -> None:
        super().__init__(model, "embeddings")
        self.args = (f"{model!r} makes embeddings and answers no prompt",)


class NotForEmbeddings(Refused):
    def __init__(self, model: str) -> None:
        super().__init__(f"{model!r} answers prompts and makes no embeddings")
        self.model = model


class ModelNotPriced(Refused):
    def __init__(self, model: str) -> None:
        super().__init__(f"no exact price of {model!r} is known")
        self.model = model


class ModelNotInPlan(Refused):
    def __init__(self, model: str, plan: str) -> None:
        super().__init__(f"the plan {plan} does not include the model {model}")
        self.model, self.plan = model, plan


class ModelNotInKey(Refused):
    def __init__(self, model: str, models: tuple[str, ...]) -> None:
        super().__init__(f"the API key does not include the model {model}, only {', '.join(models)}")
        self.model, self.models = model, models


class ExcludedBySettings(Refused):
    def __init__(self, model: str, providers: tuple[str, ...]) -> None:
        super().__init__(f"the tenant's settings leave out every provider of {model!r}: {', '.join(providers)}")
        self.model, self.providers = model, providers


class TooManyRequests(Refused):
    def __init__(self, requests_per_minute: int, retry_after_seconds: float, *, key_limited: bool = False) -> None:
        super().__init__(f"over {requests_per_minute} requests a minute; free again in {retry_after_seconds:.0f} s")
        self.requests_per_minute, self.retry_after_seconds = requests_per_minute, retry_after_seconds
        self.key_limited = key_limited


class DailyAnswersUsed(Refused):
    def __init__(self, answers_per_day: int, retry_after_seconds: float) -> None:
        super().__init__(f"over {answers_per_day} answers a day; free again in {retry_after_seconds:.0f} s")
        self.answers_per_day, self.retry_after_seconds = answers_per_day, retry_after_seconds


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
        super().__init__(f"this service has reached its spending cap per {per}")
        self.per = per


class BadRequest(Refused):
    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason = field, reason


class Closing(Refused):
    def __init__(self) -> None:
        super().__init__("stopping: no new work is taken")


class RequestRejected(EngineError):
    """The request is at fault. `reason` is our sentence, `code` the provider's code; both may be shown to a tenant.

    `moderation`: a provider refused the prompt for its content.
    """

    def __init__(self, provider: str, reason: str, *, moderation: bool = False, code: str = "") -> None:
        super().__init__(f"{provider} rejects the request: {reason}")
        self.provider, self.reason, self.moderation, self.code = provider, reason, moderation, code


class NoProvider(EngineError):
    def __init__(self, retry_after_seconds: float, tried: tuple[str, ...] = (), left_out: tuple[str, ...] = ()) -> None:
        super().__init__(f"no provider can answer now (tried: {', '.join(tried) or 'none'})")
        self.retry_after_seconds, self.tried, self.left_out = retry_after_seconds, tried, left_out


class AnswerCut(EngineError):
    def __init__(self, provider: str, outcome: str) -> None:
        super().__init__(f"the answer of {provider} broke off ({outcome}) and could not be restarted")
        self.provider, self.outcome = provider, outcome


class HoldLost(EngineError):
    """Nothing was charged: the hold was resolved already, or a later epoch took over. `was_stopped`: by the reader."""

    def __init__(self, hold_id: str) -> None:
        super().__init__(f"hold {hold_id} was resolved meanwhile")
        self.hold_id, self.was_stopped = hold_id, False


class ProviderError(EngineError):
    """One attempt failed. `outcome`: its name in the journal; `counts`: whether it counts for the offer's breaker.

    `detail` is the provider's text, for operators only, because it may quote a tenant. `code`: the provider's code,
    empty or a short word. `field`: the request field that the provider names; `most_output_tokens`: the limit it names.
    """

    outcome: ClassVar[str] = "failed"
    counts: ClassVar[bool] = False

    def __init__(self, detail: str = "", *, status: int | None = None) -> None:
        super().__init__(f"{self.outcome}: {detail}" if detail else self.outcome)
        self.detail, self.status, self.most_output_tokens = detail, status, 0
        self.code = self.field = ""


class KeyRefused(ProviderError):
    outcome = "key_refused"


class BalanceGone(ProviderError):
    outcome = "balance_gone"


class RateLimited(ProviderError):
    """A 429, or another `status` that rests a key. `per_day`: a day's quota is used up; `of_tokens`: a token limit."""

    outcome = "rate_limited"

    def __init__(
        self,
        detail: str = "",
        *,
        status: int | None = 429,
        retry_after_seconds: float | None = None,
        per_day: bool = False,
        of_tokens: bool = False,
    ) -> None:
        super().__init__(detail, status=status)
        self.retry_after_seconds, self.per_day, self.of_tokens = retry_after_seconds, per_day, of_tokens


class TooBigForNow(ProviderError):
    outcome = "too_big"


class ContextTooLong(ProviderError):
    """The prompt exceeds the context. `context_tokens`: the context's length, if the provider names it.

    `is_certain`: the provider's code or type says so, so that the length may be learned.
    """

    outcome = "context_too_long"

    def __init__(
        self,
        detail: str = "",
        *,
        status: int | None = 400,
        context_tokens: int | None = None,
        is_certain: bool = False,
    ) -> None:
        super().__init__(detail, status=status)
        self.context_tokens, self.is_certain = context_tokens, is_certain


class RequestFault(ProviderError):
    """A refusal of the request for an unknown reason. `moderation`: the prompt was refused for its content."""

    outcome = "bad_request"
    is_length_ending = False  # True: the output limit was used up before any content, so the adapter ends the answer

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


KEY_ERRORS = (RateLimited, KeyRefused, BalanceGone)
"""Errors of one API key: another key of the same provider may do."""
