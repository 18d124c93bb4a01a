"""A person's limits for the cost of one answer and of one day: set by /limit, and read before each answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from bot.spending.prices import price_of
from engine.catalog.catalog import Catalog
from engine.money import Money
from engine.tenancy import Charge
from storage.database.connection import Connection, day_of
from storage.ledger import shares
from storage.tenants import tenant_settings

SETTING = "limits"
"""The tenant's setting: the limits that are set, in nano-dollars by name."""
ANSWER, DAY = "answer", "day"
_SPENT = """
SELECT asked, SUM(charge_nanousd) AS charge, SUM(allowance_tokens) AS tokens FROM attempts
WHERE tenant_id = :tenant AND day = :day AND key_id IS NULL GROUP BY asked
"""


@dataclass(frozen=True, slots=True)
class SpendingLimits:
    """The limits of one person; None: no limit. Tokens from the plan count at their price per token."""

    answer: Money | None = None
    day: Money | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "SpendingLimits":
        """Return the limits in a tenant's settings."""
        stored = settings.get(SETTING) or {}
        return cls(*(Money(stored[name]) if name in stored else None for name in (ANSWER, DAY)))

    def store(self, conn: Connection, tenant_id: int) -> None:
        """Store these as the tenant's limits."""
        by_name = {ANSWER: self.answer, DAY: self.day}
        stored = {name: limit.nanousd for name, limit in by_name.items() if limit is not None}
        tenant_settings.set_setting(conn, tenant_id, SETTING, stored or None)


def spent_on(conn: Connection, catalog: Catalog, tenant_id: int, day: date) -> Money:
    """Return the price of a tenant's answers in Telegram on a UTC day: wallet money, and the plan's tokens.

    Answers that a team or a group paid for are counted too, answers over API keys are not.
    """
    rows = conn.rows(_SPENT, tenant=tenant_id, day=day_of(day))
    charges = ((row["asked"], Charge(Money(int(row["charge"])), int(row["tokens"]))) for row in rows)
    shared = shares.used_in_chats(conn, tenant_id, day)
    return sum((price_of(catalog, asked, charge) for asked, charge in charges), shared)
