"""Tenants: first contact makes one, with an account and the free plan's first period."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from engine.money import Money
from engine.tenancy import Plan, Tenant
from storage.connection import Connection, Row, moment, moment_or_none, ms, row, scalar

PERIOD = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class TenantState:
    """A tenant with its books as they stand."""

    id: int
    telegram_user_id: int | None
    name: str
    username: str
    plan: str
    next_plan: str | None
    language: str
    banned: bool
    blocked: bool
    agreed_terms_at: datetime | None
    settings: Mapping[str, Any]
    wallet: Money
    held: Money
    owed: Money
    allowance_tokens: int
    allowance_left_tokens: int
    period_no: int
    period_start: datetime
    renews_at: datetime

    @property
    def is_nameless(self) -> bool:
        """They wished to be forgotten: their name is not stored again."""
        return bool(self.settings.get("nameless"))

    def tenant(self, plans: Mapping[str, Plan]) -> Tenant:
        """As the engine knows it. A plan that left the configuration counts as the first one there is."""
        plan = plans.get(self.plan) or next(iter(plans.values()))
        return Tenant(self.id, plan, self.name, self.telegram_user_id, self.banned)


_STATE = """
SELECT t.*, a.balance_nanousd, a.held_nanousd, a.owed_nanousd, a.allowance_tokens, a.allowance_used_tokens,
       a.allowance_held_tokens, a.period_no, a.period_start_at, a.period_end_at
FROM tenants t JOIN accounts a ON a.tenant_id = t.id
"""


def ensure_telegram(
    conn: Connection, user_id: int, *, name: str, username: str, language: str, plan: Plan, now: datetime
) -> tuple[TenantState, bool]:
    """The tenant of a Telegram user, and whether this is the first contact."""
    known = by_telegram(conn, user_id)
    if known is not None:
        if (known.name, known.username) != (name, username) and not known.is_nameless:
            conn.run(
                "UPDATE tenants SET name = :name, username = :u WHERE id = :id",
                id=known.id,
                name=name,
                u=username,
            )
        return known, False
    create(conn, name, plan, now=now, telegram_user_id=user_id, username=username, language=language)
    made = by_telegram(conn, user_id)
    assert made is not None
    return made, True


def create(
    conn: Connection,
    name: str,
    plan: Plan,
    *,
    now: datetime,
    telegram_user_id: int | None = None,
    username: str = "",
    language: str = "",
) -> int:
    """A tenant and its account; its id. Two first contacts at once make one."""
    made = scalar(
        conn,
        "INSERT INTO tenants (telegram_user_id, name, username, plan, language, banned, blocked, settings, created_at)"
        " VALUES (:user_id, :name, :username, :plan, :language, :no, :no, '{}', :now)"
        " ON CONFLICT (telegram_user_id) DO NOTHING RETURNING id",
        user_id=telegram_user_id,
        name=name,
        username=username,
        plan=plan.name,
        language=language,
        no=False,
        now=ms(now),
    )
    if made is None:
        return int(scalar(conn, "SELECT id FROM tenants WHERE telegram_user_id = :id", id=telegram_user_id))
    conn.run(
        "INSERT INTO accounts (tenant_id, balance_nanousd, held_nanousd, owed_nanousd, allowance_tokens,"
        " allowance_used_tokens, allowance_held_tokens, period_no, period_start_at, period_end_at)"
        " VALUES (:id, 0, 0, 0, :tokens, 0, 0, 1, :start, :end)",
        id=made,
        tokens=plan.tokens_per_month,
        start=ms(now),
        end=ms(now + PERIOD),
    )
    return int(made)


def state(conn: Connection, tenant_id: int) -> TenantState | None:
    return _one(conn, f"{_STATE} WHERE t.id = :id", id=tenant_id)


def by_telegram(conn: Connection, user_id: int) -> TenantState | None:
    return _one(conn, f"{_STATE} WHERE t.telegram_user_id = :id", id=user_id)


def find(conn: Connection, text: str) -> TenantState | None:
    """By tenant id or Telegram id, as an operator types it. The tenant id wins."""
    if not text.isdigit() or len(text) > 18:  # noqa: PLR2004 - 64 bits
        return None
    return state(conn, int(text)) or by_telegram(conn, int(text))


def page(conn: Connection, after: int, limit: int, *, telegram_user_id: int | None = None) -> list[TenantState]:
    """Oldest first, those with ids above `after`."""
    only = " AND t.telegram_user_id = :user" if telegram_user_id is not None else ""
    rows = conn.rows(
        f"{_STATE} WHERE t.id > :after{only} ORDER BY t.id LIMIT :limit",
        after=after,
        limit=limit,
        **({"user": telegram_user_id} if only else {}),
    )
    return [_state(found) for found in rows]


def active_page(conn: Connection, after: int, limit: int) -> list[TenantState]:
    """Telegram's tenants who use their allowance or have ever had money: whom quotas concern."""
    rows = conn.rows(
        f"{_STATE} WHERE t.id > :after AND t.telegram_user_id IS NOT NULL AND (a.allowance_used_tokens > 0"
        " OR a.balance_nanousd > 0 OR EXISTS (SELECT 1 FROM transfers x WHERE x.tenant_id = t.id))"
        " ORDER BY t.id LIMIT :limit",
        after=after,
        limit=limit,
    )
    return [_state(found) for found in rows]


def ever_credited(conn: Connection, tenant_id: int) -> bool:
    """True for who has ever had money: only they can run low."""
    sql = "SELECT 1 AS one FROM transfers WHERE tenant_id = :id AND kind = 'credit' LIMIT 1"
    return row(conn, sql, id=tenant_id) is not None


def count(conn: Connection) -> int:
    return int(scalar(conn, "SELECT count(*) AS n FROM tenants"))


def set_banned(conn: Connection, tenant_id: int, banned: bool) -> None:
    conn.run("UPDATE tenants SET banned = :banned WHERE id = :id", id=tenant_id, banned=banned)


def set_blocked(conn: Connection, user_id: int, blocked: bool) -> None:
    """The user has blocked the bot, or let it in again."""
    conn.run(
        "UPDATE tenants SET blocked = :blocked WHERE telegram_user_id = :id AND blocked <> :blocked",
        id=user_id,
        blocked=blocked,
    )


def agree_terms(conn: Connection, tenant_id: int, now: datetime) -> None:
    conn.run("UPDATE tenants SET agreed_terms_at = :now WHERE id = :id", id=tenant_id, now=ms(now))


def forget_name(conn: Connection, tenant_id: int) -> None:
    """For good: the number is all that is left."""
    conn.run("UPDATE tenants SET name = '', username = '' WHERE id = :id", id=tenant_id)
    set_setting(conn, tenant_id, "nameless", True)


def set_language(conn: Connection, tenant_id: int, language: str) -> None:
    conn.run("UPDATE tenants SET language = :language WHERE id = :id", id=tenant_id, language=language)


def set_setting(conn: Connection, tenant_id: int, key: str, value: object) -> None:
    """A value of None takes the setting back to its default."""
    settings = json.loads(scalar(conn, "SELECT settings FROM tenants WHERE id = :id", id=tenant_id) or "{}")
    settings = {**settings, key: value} if value is not None else {k: v for k, v in settings.items() if k != key}
    conn.run("UPDATE tenants SET settings = :settings WHERE id = :id", id=tenant_id, settings=json.dumps(settings))


def _one(conn: Connection, sql: str, **values: Any) -> TenantState | None:
    found = row(conn, sql, **values)
    return None if found is None else _state(found)


def _state(found: Row) -> TenantState:
    left = found["allowance_tokens"] - found["allowance_used_tokens"] - found["allowance_held_tokens"]
    return TenantState(
        id=found["id"],
        telegram_user_id=found["telegram_user_id"],
        name=found["name"],
        username=found["username"],
        plan=found["plan"],
        next_plan=found["next_plan"],
        language=found["language"],
        banned=bool(found["banned"]),
        blocked=bool(found["blocked"]),
        agreed_terms_at=moment_or_none(found["agreed_terms_at"]),
        settings=json.loads(found["settings"]),
        wallet=Money(found["balance_nanousd"]),
        held=Money(found["held_nanousd"]),
        owed=Money(found["owed_nanousd"]),
        allowance_tokens=found["allowance_tokens"],
        allowance_left_tokens=left,
        period_no=found["period_no"],
        period_start=moment(found["period_start_at"]),
        renews_at=moment(found["period_end_at"]),
    )
