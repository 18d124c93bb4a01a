"""Tenants and API keys that crossed a quota threshold and were not notified of it in this period.

Notices about a team go to its owner.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.money import Money
from storage.database.connection import Connection, moment, month_of, ms
from storage.tenants import shared_wallets

PAGE = 500
"""The number of crossings that are read at a time, and then stored as notices in one transaction."""
LEAST_TOKENS = 64 + 80
"""The tokens of the smallest possible answer and prompt: fewer remaining tokens cover no answer."""


@dataclass(frozen=True, slots=True)
class AllowanceCrossing:
    """A tenant who has used `percent` of the allowance. `key`: the name of the notice, which is sent once per period.

    `team`: the team's name, if the notice goes to its owner.
    """

    tenant_id: int
    user_id: int
    percent: int
    left_tokens: int
    renews_at: datetime
    key: str
    team: str = ""


@dataclass(frozen=True, slots=True)
class KeyCrossing:
    """An API key that used `percent` of its monthly tokens. `key`: the notice, sent once per month."""

    user_id: int
    key_id: int
    prefix: str
    percent: int
    left_tokens: int
    tokens_per_month: int
    key: str


@dataclass(frozen=True, slots=True)
class LowWallet:
    """A wallet below the threshold whose tenant spent from it in this period. `key`: as in AllowanceCrossing.

    `team`: the team's name, if the notice goes to its owner.
    """

    tenant_id: int
    user_id: int
    wallet: Money
    key: str
    team: str = ""


def allowances_crossed(
    conn: Connection, percents: Sequence[int], after: int = 0, limit: int = PAGE
) -> list[AllowanceCrossing]:
    """Return the highest threshold that each allowance crossed, of tenants above the id `after`, in their order.

    Held tokens don't count as used. When several thresholds are crossed at once, only the highest is returned; a lower
    one is not returned after it.
    """
    highest, is_due = _crossed("a.allowance_used_tokens", "a.allowance_tokens", percents, "quota", _PERIOD)
    rows = conn.rows(
        "SELECT t.id, a.allowance_tokens - a.allowance_used_tokens AS left_tokens, a.period_end_at, a.period_no,"
        f" {highest} AS percent, {_READER} FROM accounts a {_READERS}"
        f" WHERE a.tenant_id > :after AND a.allowance_used_tokens > 0 AND {_IS_REACHED} AND {is_due}"
        " ORDER BY a.tenant_id LIMIT :n",
        after=after,
        n=limit,
    )
    return [
        AllowanceCrossing(
            each["id"],
            each["user_id"],
            each["percent"],
            each["left_tokens"],
            moment(each["period_end_at"]),
            f"quota:{each['percent']}:{each['id']}:{each['period_no']}",
            each["team"],
        )
        for each in rows
    ]


def keys_crossed(
    conn: Connection, percents: Sequence[int], month: int, after: int = 0, limit: int = PAGE
) -> list[KeyCrossing]:
    """Return the highest threshold that each valid API key with a limit of its own crossed in `month`."""
    highest, is_due = _crossed("k.used_tokens", "k.tokens_per_month", percents, "key", _MONTH)
    rows = conn.rows(
        f"SELECT k.id, k.prefix, k.tokens_per_month, k.used_tokens, k.month, {highest} AS percent, t.telegram_user_id"
        " FROM api_keys k JOIN tenants t ON t.id = k.tenant_id"
        " WHERE k.id > :after AND k.tokens_per_month IS NOT NULL AND k.revoked_at IS NULL AND k.month = :month"
        f" AND k.used_tokens > 0 AND t.telegram_user_id IS NOT NULL AND NOT t.blocked AND {is_due}"
        " ORDER BY k.id LIMIT :n",
        after=after,
        month=month,
        n=limit,
    )
    return [
        KeyCrossing(
            each["telegram_user_id"],
            each["id"],
            each["prefix"],
            each["percent"],
            max(0, each["tokens_per_month"] - each["used_tokens"]),
            each["tokens_per_month"],
            f"key:{each['percent']}:{each['id']}:{each['month']}",
        )
        for each in rows
    ]


def low_wallets(
    conn: Connection, threshold: Money, now: datetime, after: int = 0, limit: int = PAGE
) -> list[LowWallet]:
    """Return the wallets under `threshold` that paid for something in this period.

    A team without a plan has no periods: calendar months (UTC) are used instead. A plan paid by Stars doesn't count,
    because its price only passed through the wallet.
    """
    rows = conn.rows(
        f"SELECT t.id, a.balance_nanousd, {_SPAN} AS span, {_READER} FROM accounts a {_READERS}"
        f" WHERE a.tenant_id > :after AND a.balance_nanousd < :threshold AND {_IS_REACHED}"
        " AND EXISTS (SELECT 1 FROM transfers x WHERE x.tenant_id = t.id"
        " AND x.debit = 'tenant:' || t.id AND x.created_at >="
        " CASE WHEN a.period_end_at < :never THEN a.period_start_at ELSE :month_start END"
        " AND x.kind NOT IN ('repayment', 'refund', 'debit')"
        " AND NOT (x.kind = 'plan' AND EXISTS (SELECT 1 FROM payments p WHERE p.charge_id = substr(x.ref, 6))))"
        f" AND NOT EXISTS (SELECT 1 FROM notices n WHERE n.key = 'wallet:' || t.id || ':' || {_SPAN})"
        " ORDER BY a.tenant_id LIMIT :n",
        after=after,
        threshold=threshold.nanousd,
        never=ms(shared_wallets.NO_RENEWAL),
        month=month_of(now),
        month_start=ms(now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)),
        n=limit,
    )
    return [
        LowWallet(
            each["id"],
            each["user_id"],
            Money(each["balance_nanousd"]),
            f"wallet:{each['id']}:{each['span']}",
            each["team"],
        )
        for each in rows
    ]


_READER = "r.telegram_user_id AS user_id, CASE WHEN g.wallet_id IS NULL THEN '' ELSE t.name END AS team"
_READERS = (
    "JOIN tenants t ON t.id = a.tenant_id LEFT JOIN teams g ON g.wallet_id = t.id AND g.dissolved_at IS NULL"
    " JOIN tenants r ON r.id = COALESCE(g.owner_id, t.id)"
)
"""SQL: the tenant `t` of an account, and the tenant `r` that is notified: of a team, its owner."""
_IS_REACHED = "r.telegram_user_id IS NOT NULL AND NOT r.blocked"
_SPAN = "CASE WHEN a.period_end_at < :never THEN a.period_no ELSE CAST(:month AS BIGINT) END"
"""SQL: the period in which a notice about a wallet is sent once, by its number, or by its month as 202611."""
_PERIOD = "t.id || ':' || a.period_no"
_MONTH = "k.id || ':' || k.month"


def _crossed(used: str, most: str, percents: Sequence[int], kind: str, subject: str) -> tuple[str, str]:
    """SQL: the highest threshold that is passed, and whether no notice exists for it or for a higher one."""
    falling = sorted(percents, reverse=True)
    highest = " ".join(f"WHEN {_passed(used, most, each)} THEN {each}" for each in falling)
    is_due = " ".join(
        f"WHEN {_passed(used, most, each)} THEN NOT {_notified(percents, each, kind, subject)}" for each in falling
    )
    return f"CASE {highest} END", f"CASE {is_due} ELSE false END"


def _passed(used: str, most: str, percent: int) -> str:
    """Return the SQL condition that at least `percent` is used, or that the rest can't pay for another answer."""
    full = f"{most} - {used} < {LEAST_TOKENS}"
    return f"{most} > 0 AND ({full} OR {used} * 100 >= {percent} * {most})"


def _notified(percents: Sequence[int], percent: int, kind: str, subject: str) -> str:
    """Return the SQL condition that a notice exists for this threshold or a higher one."""
    keys = ", ".join(f"'{kind}:{each}:' || {subject}" for each in sorted(percents) if each >= percent)
    return f"EXISTS (SELECT 1 FROM notices n WHERE n.key IN ({keys}))"
