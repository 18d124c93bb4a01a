"""Usage, margin and the audit."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BeforeValidator

from engine.money import Money
from engine.tenancy import Plan
from storage.database.database import Database
from storage.ledger.ledger import allowance_rates
from storage.operations.audit import audit
from storage.reports import liability, usage
from web.admin.tenants import Tenants
from web.errors import bad_request
from web.schemas import AuditOut, MarginList, UsageList


def _iso(value: object) -> object:
    """A date and nothing else: a bare number would pass for seconds since 1970."""
    if isinstance(value, str) and not _ISO.fullmatch(value):
        raise ValueError("expected a UTC date such as 2026-11-24")
    return value


_ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_FROM = Query(alias="from", description="UTC date, included; without it, this month's first")
_TO = Query(description="UTC date, included; without it, today")
From = Annotated[date | None, BeforeValidator(_iso), _FROM]
To = Annotated[date | None, BeforeValidator(_iso), _TO]


def period(first: date | None, last: date | None, now: datetime) -> tuple[date, date]:
    """Both dates included; without dates, this month so far. Raises HttpProblem 400 when turned around."""
    today = now.astimezone(UTC).date()
    start, end = first or (last or today).replace(day=1), last or today
    if end == date.max:
        raise bad_request("to", f"to: {end} is the last day there is.")
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
    """Both days included."""
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


def router(desk: Tenants, payout_per_star: Money) -> APIRouter:
    routes = APIRouter(prefix="/admin", tags=["books"])

    @routes.get("/usage", summary="Day x model x provider, unified over providers")
    async def usage_rows(first: From = None, to: To = None, tenant: str | None = None) -> UsageList:
        start, end = period(first, to, desk.clock.now())
        owner = (await desk.state(tenant)).id if tenant else None
        rows = await desk.db.read(lambda conn: usage.rows(conn, start, end, owner))
        return UsageList.model_validate({"data": [usage_row(row) for row in rows]})

    @routes.get("/margin", summary="Charges, costs, waste and gross margin per day x model x provider")
    async def margin_rows(first: From = None, to: To = None) -> MarginList:
        start, end = period(first, to, desk.clock.now())
        return await margin(desk.db, desk.plans, payout_per_star, start, end)

    @routes.get("/audit", summary="Check every invariant of the books")
    async def audited() -> AuditOut:
        report = await desk.db.read(audit)
        return AuditOut(
            ok=report.ok,
            checked=report.checked,
            problems=[{"check": p.check, "rule": p.rule, "row": p.row} for p in report.problems],
        )

    return routes
