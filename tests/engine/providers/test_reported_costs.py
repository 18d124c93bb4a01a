"""Tests of the bill that a provider reports in its usage."""

from decimal import Decimal
from typing import Any

import pytest

from engine.providers.reported_costs import reported_cost


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"cost": Decimal("0.000123")}, Decimal("0.000123")),
        ({"cost": 2}, Decimal(2)),
        ({"cost": Decimal(0)}, None),
        ({"cost": Decimal(-1)}, None),
        ({"cost": Decimal(1000)}, Decimal(1000)),
        ({"cost": Decimal("1000.01")}, None),
        ({"cost": Decimal("1e-19")}, None),
        ({"cost": Decimal("0." + "1" * 41)}, None),
        ({"cost": True}, None),
        ({"cost": "1"}, None),
        ({"cost": Decimal(1), "is_byok": True}, None),
        ({"cost": Decimal(1), "is_byok": False}, Decimal(1)),
        ({}, None),
        (None, None),
    ],
)
def test_cost_is_believed_where_it_can_be_a_bill(usage: Any, cost: Decimal | None) -> None:
    assert reported_cost(usage) == cost
