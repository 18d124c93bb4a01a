"""Stars received, and the operator's liability to tenants: value that was paid for but not used yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from engine.money import ZERO, Money
from storage.database.connection import Connection, ms, row
from storage.ledger.transfers import HOUSE_CODES, HOUSE_CREDITS
from storage.tenants import shared_wallets


@dataclass(frozen=True, slots=True)
class StarTotals:
    """Stars paid and refunded in a span of days, and Telegram's payout for the difference."""

    paid: int
    refunded: int
    payout: Money


@dataclass(frozen=True, slots=True)
class Liability:
    """Money received that is not income yet: wallet balances, and unused tokens of paid plans at their plan's price.

    `owed` is the opposite: the tenants' debts from refunds. `gifts`: balances that were not paid with Stars, from
    operators' credits and codes. They are spent first, and are not part of the total.
    """

    wallets: Money
    allowances: Money
    owed: Money = ZERO
    gifts: Money = ZERO

    @property
    def total(self) -> Money:
        return self.wallets + self.allowances


def star_totals(conn: Connection, start: date, end: date, per_star: Money) -> StarTotals:
    """Sum up the Stars of a span of UTC days, both included; a refund counts on the day of the refund."""
    first = datetime.combine(start, datetime.min.time(), UTC)
    after = datetime.combine(end + timedelta(days=1), datetime.min.time(), UTC)
    found = row(
        conn,
        "SELECT COALESCE(SUM(CASE WHEN paid_at >= :first AND paid_at < :after THEN stars ELSE 0 END), 0) AS paid,"
        " COALESCE(SUM(CASE WHEN refunded_at >= :first AND refunded_at < :after THEN stars ELSE 0 END), 0) AS refunded"
        " FROM payments",
        first=ms(first),
        after=ms(after),
    )
    assert found is not None
    paid, refunded = int(found["paid"]), int(found["refunded"])
    return StarTotals(paid, refunded, Money((paid - refunded) * per_star.nanousd))


_GIFTS = f"""
SELECT tenant_id, SUM(change) - CASE WHEN MIN(so_far) < 0 THEN MIN(so_far) ELSE 0 END AS gifts FROM (
  SELECT tenant_id, change, SUM(change) OVER (PARTITION BY tenant_id ORDER BY id) AS so_far FROM (
    SELECT tenant_id, id, CASE WHEN kind = 'credit' AND debit IN ('{HOUSE_CREDITS}', '{HOUSE_CODES}')
      THEN amount_nanousd WHEN debit = 'tenant:' || tenant_id AND kind <> 'refund' THEN -amount_nanousd ELSE 0 END
      AS change
    FROM transfers WHERE tenant_id IN (SELECT tenant_id FROM transfers WHERE kind <> 'charge' AND kind = 'credit'
      AND debit IN ('{HOUSE_CREDITS}', '{HOUSE_CODES}'))
  ) changes
) sums GROUP BY tenant_id
"""
"""The gifts that each tenant has left. Each spending takes from the gifts of before, then from the money paid.

A refund of Stars, and a charge that was given back, leave them as they are.
"""


def liability(conn: Connection, rates: Mapping[str, Fraction]) -> Liability:
    """Return the current liability. `rates`: each plan's price of one allowance token, in nano-dollars."""
    found = conn.rows(
        "SELECT t.plan, SUM(a.balance_nanousd) AS balance, SUM(a.owed_nanousd) AS owed,"
        " SUM(CASE WHEN a.period_ref = '' THEN 0 ELSE a.allowance_tokens - a.allowance_used_tokens END) AS unused,"
        " SUM(CASE WHEN s.wallet_id IS NOT NULL THEN 0 WHEN g.gifts > a.balance_nanousd THEN a.balance_nanousd"
        " ELSE COALESCE(g.gifts, 0) END) AS gifts"
        " FROM accounts a JOIN tenants t ON t.id = a.tenant_id"
        f" LEFT JOIN ({_GIFTS}) g ON g.tenant_id = a.tenant_id"
        f" LEFT JOIN {shared_wallets.IS_SHARED} s ON s.wallet_id = a.tenant_id GROUP BY t.plan"
    )
    allowances = sum((int(each["unused"]) * rates.get(each["plan"], Fraction(0)) for each in found), Fraction(0))
    gifts = Money(sum(int(each["gifts"]) for each in found))
    return Liability(
        Money(sum(int(each["balance"]) for each in found)) - gifts,
        Money.from_fraction(allowances),
        Money(sum(int(each["owed"]) for each in found)),
        gifts,
    )
