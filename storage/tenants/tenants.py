"""Tenants: first contact makes one, with an account and the free plan's first period."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from engine.money import Money
from engine.tenancy import Plan, Tenant
from storage.database.connection import Connection, Row, for_update, row, row_number, scalar
from storage.database.dates import moment, moment_or_none, ms

PERIOD = timedelta(days=30)
IN, PENDING, DECLINED = "in", "pending", "declined"
APP_LANGUAGE = "app_language"
"""The setting that keeps what the person's Telegram says; /settings outranks it."""


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
    access: str
    banned: bool
    blocked: bool
    agreed_terms_at: datetime | None
    agreed_terms: str
    created_at: datetime
    settings: Mapping[str, Any]
    wallet: Money
    held: Money
    owed: Money
    allowance_tokens: int
    allowance_left_tokens: int
    period_no: int
    period_start: datetime
    renews_at: datetime
    period_ref: str

    @property
    def is_in(self) -> bool:
        """False for a stranger who waits for the operator's word, or was declined."""
        return self.access == IN

    @property
    def is_nameless(self) -> bool:
        """They wished to be forgotten: their name is not stored again."""
        return bool(self.settings.get("nameless"))

    @property
    def speaks(self) -> str:
        """The language chosen in /settings, else the app's as last seen; empty where neither is known."""
        return self.language or str(self.settings.get(APP_LANGUAGE, ""))

    def tenant(self, plans: Mapping[str, Plan]) -> Tenant:
        """As the engine knows it: a stranger is shut out like the banned.

        A plan that left the configuration counts as the first one there is.
        """
        plan = plans.get(self.plan) or next(iter(plans.values()))
        return Tenant(self.id, plan, self.name, self.telegram_user_id, self.banned or not self.is_in)


_STATE = """
SELECT t.*, a.balance_nanousd, a.held_nanousd, a.owed_nanousd, a.allowance_tokens, a.allowance_used_tokens,
       a.allowance_held_tokens, a.period_no, a.period_start_at, a.period_end_at, a.period_ref
FROM tenants t JOIN accounts a ON a.tenant_id = t.id
"""


def ensure_telegram(
    conn: Connection,
    user_id: int,
    *,
    name: str,
    username: str,
    language: str,
    plan: Plan,
    now: datetime,
    access: str = IN,
) -> tuple[TenantState, bool]:
    """The tenant of a Telegram user, and whether this is the first contact, which gets `access`."""
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
    create(conn, name, plan, now=now, telegram_user_id=user_id, username=username, language=language, access=access)
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
    access: str = IN,
) -> int:
    """A tenant and its account; its id. Two first contacts at once make one."""
    made = scalar(
        conn,
        "INSERT INTO tenants (telegram_user_id, name, username, plan, language, access, banned, blocked, settings,"
        " created_at) VALUES (:user_id, :name, :username, :plan, :language, :access, :no, :no, '{}', :now)"
        " ON CONFLICT (telegram_user_id) DO NOTHING RETURNING id",
        user_id=telegram_user_id,
        name=name,
        username=username,
        plan=plan.name,
        language=language,
        access=access,
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
    number = row_number(text)
    return None if number is None else state(conn, number) or by_telegram(conn, number)


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


def newest(conn: Connection, before: int | None, limit: int) -> list[TenantState]:
    """Newest first, those with ids below `before`."""
    older = "WHERE t.id < :before " if before is not None else ""
    values = {"before": before} if before is not None else {}
    return [_state(found) for found in conn.rows(f"{_STATE} {older}ORDER BY t.id DESC LIMIT :n", n=limit, **values)]


def waiting(conn: Connection, limit: int = 50) -> list[TenantState]:
    """Strangers who wait for the operator's word, oldest first."""
    rows = conn.rows(f"{_STATE} WHERE t.access = :pending ORDER BY t.id LIMIT :n", pending=PENDING, n=limit)
    return [_state(found) for found in rows]


def paid_for_period(conn: Connection, tenant: TenantState) -> Money:
    """What the running period was bought for; zero where it was free or given."""
    if not tenant.period_ref:
        return Money(0)
    paid = scalar(conn, "SELECT amount_nanousd FROM transfers WHERE ref = :ref", ref=tenant.period_ref)
    return Money(paid or 0)


def new_since(conn: Connection, since: datetime) -> int:
    """How many of Telegram's users have come since then."""
    sql = "SELECT count(*) AS n FROM tenants WHERE created_at >= :since AND telegram_user_id IS NOT NULL"
    return int(scalar(conn, sql, since=ms(since)))


def count(conn: Connection) -> int:
    return int(scalar(conn, "SELECT count(*) AS n FROM tenants"))


def set_banned(conn: Connection, tenant_id: int, banned: bool) -> None:
    conn.run("UPDATE tenants SET banned = :banned WHERE id = :id", id=tenant_id, banned=banned)


def set_access(conn: Connection, tenant_id: int, access: str) -> bool:
    """A word about a stranger: in, or declined; False when it was said before."""
    return bool(
        conn.run(
            "UPDATE tenants SET access = :access WHERE id = :id AND access <> :access", id=tenant_id, access=access
        )
    )


def set_blocked(conn: Connection, user_id: int, blocked: bool) -> None:
    """The user has blocked the bot, or let it in again."""
    conn.run(
        "UPDATE tenants SET blocked = :blocked WHERE telegram_user_id = :id AND blocked <> :blocked",
        id=user_id,
        blocked=blocked,
    )


def agree_terms(conn: Connection, tenant_id: int, version: str, now: datetime) -> None:
    conn.run(
        "UPDATE tenants SET agreed_terms_at = :now, agreed_terms = :version"
        " WHERE id = :id AND agreed_terms <> :version",
        id=tenant_id,
        now=ms(now),
        version=version,
    )


def forget_name(conn: Connection, tenant_id: int) -> None:
    """For good: the number is all that is left."""
    conn.run("UPDATE tenants SET name = '', username = '' WHERE id = :id", id=tenant_id)
    set_setting(conn, tenant_id, "nameless", True)


def set_language(conn: Connection, tenant_id: int, language: str) -> None:
    conn.run("UPDATE tenants SET language = :language WHERE id = :id", id=tenant_id, language=language)


def set_setting(conn: Connection, tenant_id: int, key: str, value: object) -> None:
    """A value of None takes the setting back to its default."""
    stored = scalar(conn, "SELECT settings FROM tenants WHERE id = :id" + for_update(conn), id=tenant_id)
    settings = json.loads(stored or "{}")
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
        access=found["access"],
        banned=bool(found["banned"]),
        blocked=bool(found["blocked"]),
        agreed_terms_at=moment_or_none(found["agreed_terms_at"]),
        agreed_terms=found["agreed_terms"],
        created_at=moment(found["created_at"]),
        settings=json.loads(found["settings"]),
        wallet=Money(found["balance_nanousd"]),
        held=Money(found["held_nanousd"]),
        owed=Money(found["owed_nanousd"]),
        allowance_tokens=found["allowance_tokens"],
        allowance_left_tokens=left,
        period_no=found["period_no"],
        period_start=moment(found["period_start_at"]),
        renews_at=moment(found["period_end_at"]),
        period_ref=found["period_ref"],
    )
