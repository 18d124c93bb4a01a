"""The operator's reports: usage, margin and the audit."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

from fastapi import APIRouter

from engine.money import Money
from engine.tenancy import Plan
from storage.database.connection import Connection
from storage.database.database import Database
from storage.ledger.journal import allowance_rates
from storage.operations.audit import audit
from storage.reports import liability, usage
from web.admin.tenants import TenantStore
from web.openapi_parts import KEY_ERRORS, errors
from web.periods import From, To, period
from web.schemas import AuditOut, MarginList, UsageList


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
        "gifts_usd": str(owed.gifts),
        "liability_allowances_usd": str(owed.allowances),
        "liability_usd": str(owed.total),
        "owed_by_tenants_usd": str(owed.owed),
    }


async def margin(db: Database, plans: Mapping[str, Plan], payout_per_star: Money, start: date, end: date) -> MarginList:
    """Return margin by day, model and provider from `start` to `end`, both included."""
    books = partial(read_margin, plans=plans, payout_per_star=payout_per_star, start=start, end=end)
    return margin_list(*await db.read(books))


def read_margin(
    conn: Connection, plans: Mapping[str, Plan], payout_per_star: Money, start: date, end: date
) -> tuple[list[usage.UsageRow], liability.StarTotals, liability.Liability]:
    """Return the usage of these days, both included, their Stars, and the current liability."""
    stars = liability.star_totals(conn, start, end, payout_per_star)
    return usage.rows(conn, start, end), stars, liability.liability(conn, allowance_rates(plans))


def margin_list(rows: Sequence[usage.UsageRow], stars: liability.StarTotals, owed: liability.Liability) -> MarginList:
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
