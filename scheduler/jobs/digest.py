"""The daily digest: one message about yesterday, at the operator's hour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from locales.formats import as_code
from scheduler.admin_notices import DIGEST, tell_admin_once
from scheduler.context import JobContext
from scheduler.job import Job
from scheduler.run_times import latest_daily
from storage.alerts import incidents
from storage.alerts.incidents import Incident
from storage.database.connection import Connection, day_of, row
from storage.ledger.journal import allowance_rates
from storage.reports import liability, outcomes, usage
from storage.reports.liability import Liability, StarTotals
from storage.reports.outcomes import Outcome
from storage.reports.usage import TenantShare, UsageTotals
from storage.schedules import zones
from storage.tenants import notices, tenants

TOP = 5
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DailyFigures:
    """The figures of one UTC day."""

    day: date
    totals: UsageTotals
    ended: Sequence[Outcome]
    tenants: Sequence[TenantShare]
    incidents: Sequence[Incident]
    stars: StarTotals
    owed: Liability

    @property
    def is_quiet(self) -> bool:
        return not (self.totals.prompts or self.ended or self.incidents or self.stars.paid)


async def run(context: JobContext) -> None:
    for admin in context.notifier.admins:
        await _tell(context, admin)


async def _tell(context: JobContext, admin: int) -> None:
    """Send the digest to an admin, at the hour in the admin's own time zone if one is set."""
    zone = await context.db.read(lambda conn: _zone(conn, admin)) or context.digest_zone
    due_at = latest_daily(context.clock.now(), context.digest_hour, zone)
    yesterday = due_at.date() - A_DAY
    for day in await context.db.read(lambda conn: _due_days(conn, admin, yesterday)):
        figures = await context.db.read(lambda conn, day=day: _figures(conn, context, day))  # type: ignore[misc]
        key, values = (DIGEST, digest_values(figures)) if not figures.is_quiet else ("digest.quiet", {"day": day})
        await tell_admin_once(context, admin, _once(day, admin), key, values)


def _zone(conn: Connection, admin: int) -> ZoneInfo | None:
    state = tenants.by_telegram(conn, admin)
    return None if state is None or zones.SETTING not in state.settings else zones.zone_of(state.settings)


def _due_days(conn: Connection, admin: int, yesterday: date) -> list[date]:
    """Return yesterday unless it was told, after the day before it if that was left out.

    A UTC day is left out where the hour of an admin moves across midnight UTC: when summer time ends.
    """
    before = yesterday - A_DAY
    is_left_out = not _is_told(conn, admin, before) and _is_told(conn, admin, before - A_DAY)
    days = [*([before] if is_left_out else []), yesterday]
    return [day for day in days if not _is_told(conn, admin, day) and _has_begun(conn, day)]


def _once(day: date, admin: int) -> str:
    return f"digest:{day}:{admin}"


def _is_told(conn: Connection, admin: int, day: date) -> bool:
    # the second name is that of an earlier version
    return notices.is_known(conn, _once(day, admin)) or notices.is_known(conn, f"digest:{day}")


def _has_begun(conn: Connection, day: date) -> bool:
    """Return whether an attempt was made by that day, unlike in a new service."""
    return row(conn, "SELECT 1 AS one FROM attempts WHERE day <= :day LIMIT 1", day=day_of(day)) is not None


def _figures(conn: Connection, context: JobContext, day: date) -> DailyFigures:
    start = datetime.combine(day, datetime.min.time(), UTC)
    return DailyFigures(
        day,
        UsageTotals.of(usage.rows(conn, day, day)),
        outcomes.rows(conn, day, day),
        usage.top_tenants(conn, day, day, TOP),
        incidents.opened_in(conn, start, start + timedelta(days=1)),
        liability.star_totals(conn, day, day, context.payout_per_star),
        liability.liability(conn, allowance_rates(context.plans)),
    )


def digest_values(figures: DailyFigures) -> Mapping[str, object]:
    totals = figures.totals
    percent = (
        {"key": "margin.percent", "values": {"percent": Decimal(totals.margin_percent)}}
        if totals.margin_percent
        else ""
    )
    return {
        "day": figures.day,
        "prompts": totals.prompts,
        "tokens": totals.tokens,
        "charge": totals.charge,
        "allowance": totals.allowance_worth,
        "cost": totals.cost,
        "waste": totals.waste,
        "margin": totals.margin,
        "percent": percent,
        "failures": sum(each.attempts for each in figures.ended if each.is_failure),
        "worst": _worst(figures.ended),
        "unanswered": sum(each.attempts for each in figures.ended if each.is_unanswered),
        "tenants": [*map(_tenant, figures.tenants)] or "–",  # noqa: RUF001 - typography
        "incidents": [*map(_incident, figures.incidents)] or "–",  # noqa: RUF001 - likewise
        "stars": figures.stars.paid - figures.stars.refunded,
        "payout": figures.stars.payout,
        "liability": figures.owed.total,
    }


def _worst(ended: Sequence[Outcome]) -> str:
    """Return the three most frequent failures, such as (deepseek timeout 12, openai rate_limited 3)."""
    failures = sorted((each for each in ended if each.is_failure), key=lambda each: -each.attempts)[:3]
    said = ", ".join(f"{each.provider} {each.outcome} {each.attempts:,}" for each in failures)
    return f" ({said})" if said else ""


def _tenant(share: TenantShare) -> Mapping[str, object]:
    """Return one line. The name is code, so that its characters are not read as Markdown."""
    values = {
        "name": as_code(share.name or str(share.tenant_id)),
        "prompts": share.prompts,
        "tokens": share.tokens,
        "usd": share.charge,
    }
    return {"key": "digest.tenant", "values": values}


def _incident(each: Incident) -> Mapping[str, object]:
    kind = {"key": f"incident.{each.kind}", "values": {}}
    values = {"subject": each.subject, "kind": kind, "since": each.opened_at, "until": each.closed_at or "…"}
    return {"key": "digest.incident", "values": values}


JOB = Job("digest", "digest", run)
