"""The payers of an answer: a member's team or group if its funds suffice, then the tenant's own wallet."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from engine.catalog.offers import Quote
from engine.errors import DailyAnswersUsed, InsufficientFunds
from engine.holds import LEAST_OUTPUT_TOKENS, HoldRequest
from engine.ports import Hold, Ledger
from engine.tenancy import Plan, Sponsor, Tenant

Sized = Callable[[Plan], HoldRequest]
"""Returns the hold request of an answer under the limits of a plan."""


def hold_requests(tenant: Tenant, model: str | None, sized: Sized, expected: int = 0) -> list[HoldRequest]:
    """Return the holds to try, in this order. `model` None: every plan includes it. `expected`: output tokens.

    A sponsor that is tried before others must be able to pay the expected output. If none is, a sponsor pays for a
    shorter answer.
    """
    sponsored = [
        _sponsored(each, tenant, sized) for each in tenant.sponsors if model is None or each.plan.allows(model)
    ]
    if not sponsored:
        return [sized(tenant.plan)]
    own = [sized(tenant.plan)] if tenant.pays and (model is None or tenant.plan.allows(model)) else []
    *before, last = [*sponsored, *own]
    whole = [replace(each, least_output_tokens=max(LEAST_OUTPUT_TOKENS, expected)) for each in before]
    return [*whole, last, *before]


def _sponsored(sponsor: Sponsor, tenant: Tenant, sized: Sized) -> HoldRequest:
    return replace(sized(sponsor.plan), tenant_id=sponsor.id, member_id=tenant.id)


def expected_output(quotes: Sequence[Quote]) -> int:
    """Return the output tokens that are expected from the first offer."""
    return max(0, quotes[0].expected_tokens - quotes[0].input_tokens) if quotes else 0


@asynccontextmanager
async def held(ledger: Ledger, requests: Sequence[HoldRequest]) -> AsyncIterator[tuple[HoldRequest, Hold]]:
    """Hold with the first request whose payer has the funds.

    Raises the last payer's InsufficientFunds or DailyAnswersUsed.
    """
    if len(requests) == 1:
        async with ledger.hold(requests[0]) as hold:
            yield requests[0], hold
        return
    async with AsyncExitStack() as stack:
        yield await _first(stack, ledger, requests)


async def _first(stack: AsyncExitStack, ledger: Ledger, requests: Sequence[HoldRequest]) -> tuple[HoldRequest, Hold]:
    refused: InsufficientFunds | DailyAnswersUsed | None = None
    for each in requests:
        try:
            return each, await stack.enter_async_context(ledger.hold(each))
        except (InsufficientFunds, DailyAnswersUsed) as error:
            if refused is None or each.member_id is None:
                refused = error
    assert refused is not None
    raise refused
