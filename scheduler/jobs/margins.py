"""Alerts about models whose margin of the day is below the operator's minimum, once a day per model."""

from collections import defaultdict
from datetime import UTC
from decimal import Decimal
from functools import partial

from engine.money import Money
from scheduler.admin_notices import tell_admins_once
from scheduler.context import JobContext
from scheduler.job import Job
from storage.reports import usage
from storage.reports.usage import UsageRow, UsageTotals

LEAST_PROMPTS, LEAST_COST = 20, Money(10**8)
"""With fewer answers, or a smaller cost (10 cents), a margin is not judged."""


async def run(context: JobContext) -> None:
    today = context.clock.now().astimezone(UTC).date()
    by_model: dict[str, list[UsageRow]] = defaultdict(list)
    for row in await context.db.read(partial(usage.rows, start=today, end=today)):
        by_model[row.model].append(row)
    for model, rows in by_model.items():
        totals = UsageTotals.of(rows)
        if _is_under(totals, context.margin_percent):
            values = {
                "model": model,
                "margin": totals.margin,
                "sold": totals.sold,
                "cost": totals.cost + totals.waste,
                "floor": context.margin_percent,
                "prompts": totals.prompts,
            }
            await tell_admins_once(context, f"margin:{model}:{today}", "alert.margin_low", values)


def _is_under(totals: UsageTotals, floor_percent: Decimal) -> bool:
    if totals.prompts < LEAST_PROMPTS or totals.cost + totals.waste < LEAST_COST:
        return False
    return totals.margin.nanousd * 100 < floor_percent * totals.sold.nanousd


JOB = Job("margins", "margins", run)
