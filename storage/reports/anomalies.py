"""Tenants whose last hour is far above their usual hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.money import Money
from storage.database.connection import Connection, day_of, ms

HOUR = timedelta(hours=1)
SPAN = timedelta(days=14)
"""The number of days before the last hour that the usual use is computed from."""
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class BusyHour:
    """A tenant's last hour: answers, tokens, charges; and the mean tokens of `hours` earlier hours with answers."""

    tenant_id: int
    answers: int
    tokens: int
    charge: Money
    usual_tokens: int
    hours: int


def busy_hours(conn: Connection, now: datetime, least_tokens: int) -> Sequence[BusyHour]:
    """Return the last hour of each tenant that used `least_tokens` or more in it, the busiest first."""
    since = now - HOUR
    rows = conn.rows(
        "SELECT tenant_id, COUNT(*) AS answers, SUM(input_tokens + output_tokens) AS tokens,"
        " SUM(charge_nanousd) AS charge FROM attempts WHERE kept AND tenant_id IS NOT NULL AND day >= :day"
        " AND started_at >= :since GROUP BY tenant_id HAVING SUM(input_tokens + output_tokens) >= :least"
        " ORDER BY tokens DESC",
        day=day_of(since),
        since=ms(since),
        least=least_tokens,
    )
    found = []
    for each in rows:
        hours = _hours(conn, each["tenant_id"], since)
        usual = round(sum(hours) / len(hours)) if hours else 0
        figures = (int(each["answers"]), int(each["tokens"]), Money(int(each["charge"])))
        found.append(BusyHour(each["tenant_id"], *figures, usual, len(hours)))
    return found


def _hours(conn: Connection, tenant_id: int, before: datetime) -> list[int]:
    """Return the tokens of each hour with answers within SPAN before `before`."""
    rows = conn.rows(
        f"SELECT SUM(input_tokens + output_tokens) AS tokens FROM attempts WHERE tenant_id = :tenant AND day >= :day"
        f" AND kept AND started_at >= :start AND started_at < :end GROUP BY started_at / {_HOUR_MS}",
        tenant=tenant_id,
        day=day_of(before - SPAN),
        start=ms(before - SPAN),
        end=ms(before),
    )
    return [int(each["tokens"]) for each in rows]
