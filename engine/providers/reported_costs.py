"""The bill that a provider reports in the usage of an answer."""

from decimal import Decimal
from typing import Any

# a report outside these bounds is an error
_LEAST_COST_USD, _MOST_COST_USD, _MOST_COST_DIGITS = Decimal("1e-18"), 1000, 40


def reported_cost(usage: Any) -> Decimal | None:
    """Return the reported bill with its exact digits; None if none above zero is reported.

    `usage` was read with its numbers as Decimal. If the operator's own key is used at the upstream, the report is only
    a part of the cost and is ignored.
    """
    cost = usage.get("cost") if isinstance(usage, dict) and usage.get("is_byok") is not True else None
    if not isinstance(cost, Decimal | int) or isinstance(cost, bool):
        return None
    cost = Decimal(cost)
    is_credible = _LEAST_COST_USD <= cost <= _MOST_COST_USD and len(cost.as_tuple().digits) <= _MOST_COST_DIGITS
    return cost if is_credible else None
