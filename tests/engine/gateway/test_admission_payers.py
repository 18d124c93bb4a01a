"""The payers of an answer, in the order in which they are tried."""

from dataclasses import replace

import pytest

from engine.gateway.admission import expected_output, hold_requests
from engine.holds import Ceiling, HoldRequest
from engine.money import ZERO
from engine.tenancy import Flat, Plan, Sponsor, Tenant

OWN = Plan(name="own", usd_per_month=ZERO, tokens_per_month=0, requests_per_minute=6, max_output_tokens=100)
TEAM = replace(OWN, name="team", max_output_tokens=1000, models=("auto",))
ASKER = Tenant(1, OWN, sponsors=(Sponsor(9, TEAM),))


def sized(plan: Plan) -> HoldRequest:
    return HoldRequest("r", 1, 1, Flat(1), 10, (Ceiling(1, 1, plan.max_output_tokens),))


def asked(tenant: Tenant, model: str | None = "auto", expected: int = 500) -> list[tuple[int, int | None, int]]:
    """Return the payer, the member and the least output of each hold."""
    found = hold_requests(tenant, model, sized, expected)
    return [(each.tenant_id, each.member_id, each.least_of(each.ceilings[0])) for each in found]


@pytest.mark.parametrize(
    ("tenant", "model", "expected"),
    [
        (Tenant(1, OWN), "auto", [(1, None, 64)]),
        (ASKER, "auto", [(9, 1, 500), (1, None, 64), (9, 1, 64)]),
        (replace(ASKER, pays=False), "auto", [(9, 1, 64)]),
        (ASKER, "smart", [(1, None, 64)]),
        (ASKER, None, [(9, 1, 500), (1, None, 64), (9, 1, 64)]),
        (
            replace(ASKER, sponsors=(Sponsor(8, OWN), *ASKER.sponsors)),
            "auto",
            [(8, 1, 100), (9, 1, 500), (1, None, 64), (8, 1, 64), (9, 1, 64)],
        ),
        (replace(ASKER, plan=replace(OWN, models=())), "auto", [(9, 1, 64)]),
    ],
)
def test_sponsors_pay_before_the_asker_where_they_cover_the_expected_answer(
    tenant: Tenant, model: str | None, expected: list[tuple[int, int | None, int]]
) -> None:
    assert asked(tenant, model) == expected


def test_no_quote_expects_nothing() -> None:
    assert expected_output(()) == 0


def test_largest_of_the_plans_counts() -> None:
    tenant = replace(ASKER, plan=replace(OWN, requests_per_minute=3))
    assert (tenant.requests_per_minute, Tenant(1, OWN).requests_per_minute) == (6, 6)
    assert not replace(tenant, pays=False).allows("smart")
    assert tenant.allows("smart")
