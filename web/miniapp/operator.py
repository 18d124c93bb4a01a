"""The operator's pages of the Mini App: providers, this month's margin, incidents."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from engine.gateway.question import Market
from engine.money import Money
from engine.ports import Clock
from engine.tenancy import Plan
from storage.alerts import incidents
from storage.alerts.incidents import Incident
from storage.database.connection import Connection
from storage.database.database import Database
from web.admin import reports
from web.miniapp.access import MiniAppUser
from web.miniapp.operators.margin import shown_margin
from web.miniapp.operators.providers import ProviderPages
from web.miniapp.schemas import OperatorOut
from web.periods import period
from web.provider_rows import provider_rows

RECENT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class OperatorPages:
    """Reads the data of the operator's pages."""

    db: Database
    clock: Clock
    plans: Mapping[str, Plan]
    payout_per_star: Money
    market: Market

    async def read(self, user: MiniAppUser) -> OperatorOut:
        now = self.clock.now()
        start, end = period(None, None, now)
        books = partial(reports.read_margin, plans=self.plans, payout_per_star=self.payout_per_star)
        rows, stars, owed = await self.db.read(lambda conn: books(conn, start=start, end=end))
        found = await self.db.read(lambda conn: open_and_recent(conn, now))
        words = await ProviderPages(self.db, self.clock, self.market).words(user)
        return OperatorOut.model_validate(
            {
                "providers": provider_rows(self.market, admin=True),
                "margin": reports.margin_list(rows, stars, owed),
                "shown": shown_margin(user, rows, start, min(end, now.date()), stars=stars, owed=owed),
                "words": words,
                "incidents": [_incident_row(each, now) for each in found],
            }
        )


def open_and_recent(conn: Connection, now: datetime) -> list[Incident]:
    """Return the open incidents, then those that began within RECENT; each group newest first."""
    still_open = incidents.all_open(conn)
    known = {each.id for each in still_open}
    recent = incidents.opened_in(conn, now - RECENT, now + timedelta(seconds=1))
    return [*reversed(still_open), *(each for each in reversed(recent) if each.id not in known)]


def _incident_row(each: Incident, now: datetime) -> dict[str, Any]:
    return {
        "id": str(each.id),
        "kind": each.kind,
        "subject": each.subject,
        "opened_at": each.opened_at.isoformat(),
        "closed_at": each.closed_at.isoformat() if each.closed_at else None,
        "muted_until": each.muted_until.isoformat() if each.muted_until > now else None,
        "acknowledged": each.acknowledged,
        "acknowledged_by": each.acknowledged_by,
    }
