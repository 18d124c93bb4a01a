"""The operator's reports: usage, margin and the audit."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BeforeValidator

from engine.money import Money
from engine.tenancy import Plan
from storage.database.database import Database
from storage.ledger.journal import allowance_rates
from storage.operations.audit import audit
from storage.reports import liability, usage
from web.admin.tenants import TenantStore
from web.errors import bad_request
from web.openapi_parts import KEY_ERRORS, errors
from web.schemas import AuditOut, MarginList, UsageList


def _iso(value: object) -> object:
    """Accept a date only: pydantic would read a bare number as seconds since 1970."""
    if isinstance(value, str) and not _ISO.fullmatch(value):
        raise ValueError("expected a UTC date such as 2026-11-24")
    return value


_ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_FROM = Query(alias="from", description="First UTC date, included; default: the first of this month")
_TO = Query(description="Last UTC date, included; default: today")
From = Annotated[date | None, BeforeValidator(_iso), _FROM]
To = Annotated[date | None, BeforeValidator(_iso), _TO]


def period(first: date | None, last: date | None, now: datetime) -> tuple[date, date]:
    """Return first and last date, both included; default: this month so far. Raises HttpProblem 400 where from > to."""
    today = now.astimezone(UTC).date()
    start, end = first or (last or today).replace(day=1), last or today
    if end == date.max:
        raise bad_request("to", f"to: {end} is not supported; use an earlier date.")
    if start > end:
        raise bad_request("from", f"from: {start} is after to: {end}.")
    return start, end


def usage_row(row: usage.UsageRow) -> dict[str, Any]:
    return {
        "day": str(row.day),
        "model": row.model,
        "provider": row.provider,
        "prompts": row.prompts,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "allowance_tokens": row.allowance_tokens,
        "charge_usd": str(row.charge),
        "cost_usd": str(row.cost),
        "waste_usd": str(row.waste),
    }


def margin_row(row: usage.UsageRow) -> dict[str, Any]:
    return {
        "day": str(row.day),
        "model": row.model,
        "provider": row.provider,
        "charge_usd": str(row.charge),
        "allowance_usd": str(row.allowance_worth),
        "cost_usd": str(row.cost),
        "waste_usd": str(row.waste),
        "margin_usd": str(row.margin),
    }


def margin_totals(totals: usage.UsageTotals, stars: liability.StarTotals, owed: liability.Liability) -> dict[str, Any]:
    return {
        "charge_usd": str(totals.charge),
        "allowance_usd": str(totals.allowance_worth),
        "cost_usd": str(totals.cost),
        "waste_usd": str(totals.waste),
        "margin_usd": str(totals.margin),
        "margin_percent": totals.margin_percent,
        "stars_paid": stars.paid,
        "stars_refunded": stars.refunded,
        "stars_payout_usd": str(stars.payout),
        "liability_wallets_usd": str(owed.wallets),
        "liability_allowances_usd": str(owed.allowances),
        "liability_usd": str(owed.total),
        "owed_by_tenants_usd": str(owed.owed),
    }


async def margin(db: Database, plans: Mapping[str, Plan], payout_per_star: Money, start: date, end: date) -> MarginList:
    """Return margin by day, model and provider from `start` to `end`, both included."""
    rates = allowance_rates(plans)
    rows, stars, owed = await db.read(
        lambda conn: (
            usage.rows(conn, start, end),
            liability.star_totals(conn, start, end, payout_per_star),
            liability.liability(conn, rates),
        )
    )
    totals = margin_totals(usage.UsageTotals.of(rows), stars, owed)
    return MarginList.model_validate({"data": [margin_row(row) for row in rows], "totals": totals})


def router(store: TenantStore, payout_per_star: Money) -> APIRouter:
    routes = APIRouter(prefix="/admin", tags=["books"], responses=errors(*KEY_ERRORS))

    @routes.get("/usage", summary="Usage by day, model and provider", responses=errors(400, 404))
    async def usage_rows(first: From = None, to: To = None, tenant: str | None = None) -> UsageList:
        start, end = period(first, to, store.clock.now())
        owner = (await store.state(tenant)).id if tenant else None
        rows = await store.db.read(lambda conn: usage.rows(conn, start, end, owner))
        return UsageList.model_validate({"data": [usage_row(row) for row in rows]})

    @routes.get(
        "/margin",
        summary="Charges, costs, waste and gross margin by day, model and provider",
        responses=errors(400),
    )
    async def margin_rows(first: From = None, to: To = None) -> MarginList:
        start, end = period(first, to, store.clock.now())
        return await margin(store.db, store.plans, payout_per_star, start, end)

    @routes.get("/audit", summary="Check every rule of the accounts")
    async def audited() -> AuditOut:
        report = await store.db.read(audit)
        return AuditOut(
            ok=report.ok,
            checked=report.checked,
            problems=[{"check": p.check, "rule": p.rule, "row": p.row} for p in report.problems],
        )

    return routes
