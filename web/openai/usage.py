"""GET /v1/usage: the usage of the tenant who owns the key."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from fastapi import APIRouter

from engine.money import ZERO
from engine.ports import Clock
from storage.database.database import Database
from storage.reports import usage
from storage.reports.usage import UsageRow
from web.openai.models import CurrentTenant
from web.openapi_parts import KEY_ERRORS, errors
from web.periods import From, To, period
from web.schemas import OwnUsageList


def router(db: Database, clock: Clock) -> APIRouter:
    routes = APIRouter(prefix="/v1/usage", tags=["openai"], responses=errors(400, *KEY_ERRORS))

    @routes.get("", summary="Your usage by day and model")
    async def own_usage(tenant: CurrentTenant, first: From = None, to: To = None) -> OwnUsageList:
        start, end = period(first, to, clock.now())
        rows = await db.read(lambda conn: usage.rows(conn, start, end, tenant.id))
        return OwnUsageList.model_validate({"data": by_model(rows)})

    return routes


def by_model(rows: Iterable[UsageRow]) -> list[dict[str, Any]]:
    """Return sums over providers, for each day and model with a delivered answer, ordered by day and model."""
    groups: dict[tuple[date, str], list[UsageRow]] = {}
    for row in rows:
        if row.prompts:
            groups.setdefault((row.day, row.model), []).append(row)
    return [
        {
            "day": str(day),
            "model": model,
            "prompts": sum(row.prompts for row in group),
            "input_tokens": sum(row.input_tokens for row in group),
            "output_tokens": sum(row.output_tokens for row in group),
            "allowance_tokens": sum(row.allowance_tokens for row in group),
            "charge_usd": str(sum((row.charge for row in group), ZERO)),
        }
        for (day, model), group in sorted(groups.items(), key=lambda item: item[0])
    ]
