"""Tenants: creation with an account and a first plan period, and reading of their state."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from engine.money import Money
from engine.privacy import NONE, Exclusions, exclusions_from
from engine.tenancy import KeyLimits, Plan, Sponsor, Tenant
from storage.database.connection import Connection, Row, moment, moment_or_none, ms, row, row_number, scalar

PERIOD = timedelta(days=30)
ADMITTED, PENDING, DECLINED = "in", "pending", "declined"
EXCLUSIONS = "exclusions"
"""The setting that stores the providers that may not see the tenant's prompts."""
APP_LANGUAGE = "app_language"
"""The setting that stores the language of the user's Telegram app; a choice in /settings has precedence."""


@dataclass(frozen=True, slots=True)
class TeamSeat:
    """A person's membership in a team that pays. `own_after`: above the limit the person's own wallet pays."""

    team_id: int
    plan: str
    name: str
    own_after: bool


@dataclass(frozen=True, slots=True)
class TenantState:
    """A tenant with its account and settings at one moment."""

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
    keep_days: int | None
    wallet: Money
    held: Money
    owed: Money
    allowance_tokens: int
    allowance_left_tokens: int
    period_no: int
    period_start: datetime
    renews_at: datetime
    period_ref: str
    team: TeamSeat | None = None

    @property
    def is_admitted(self) -> bool:
        """False while the operator's decision is pending, and after a refusal."""
        return self.access == ADMITTED

    @property
    def is_nameless(self) -> bool:
        """True after /forget: the name must not be stored again."""
        return bool(self.settings.get("nameless"))

    @property
    def exclusions(self) -> Exclusions:
        """The providers that may not see this tenant's prompts."""
        return exclusions_from(self.settings[EXCLUSIONS]) if EXCLUSIONS in self.settings else NONE

    @property
    def shown_language(self) -> str:
        """The language chosen in /settings, else the one that Telegram's app last reported, else empty."""
        return self.language or str(self.settings.get(APP_LANGUAGE, ""))

    def tenant(self, plans: Mapping[str, Plan]) -> Tenant:
        """Return the engine's Tenant; one not admitted counts as banned, and an unknown plan as the first one."""
        seat = self.team
        of_team = (seat.team_id, seat.plan, seat.name, seat.own_after) if seat is not None else (None,) * 4
        of_person = (self.id, self.plan, self.name, self.telegram_user_id, self.banned, self.access, "")
        return replace(tenant_of((*of_person, *of_team), plans), exclusions=self.exclusions)


TENANTS = """
tenants t LEFT JOIN team_members m ON m.tenant_id = t.id AND m.left_at IS NULL AND NOT m.paused
  LEFT JOIN tenants team ON team.id = m.wallet_id AND NOT team.banned
"""
"""SQL: tenants, each with the team that pays for it, if there is one."""
OF_TENANT = (
    "t.id, t.plan, t.name, t.telegram_user_id, t.banned, t.access, t.settings,"
    " team.id, team.plan, team.name, m.own_after"
)
"""The columns of `tenant_of`, from TENANTS."""


def tenant_of(columns: tuple[Any, ...], plans: Mapping[str, Plan], key: KeyLimits | None = None) -> Tenant:
    """Return the engine's Tenant from the columns OF_TENANT, by the rules of `TenantState.tenant`."""
    id, plan, name, telegram_user_id, banned, access, settings, *of_team = columns  # noqa: A001 - the column
    team_id, team_plan, team_name, own_after = of_team
    free = next(iter(plans.values()))
    return Tenant(
        id,
        plans.get(plan) or free,
        name,
        telegram_user_id,
        bool(banned) or access != ADMITTED,
        key,
        exclusions_from(json.loads(settings).get(EXCLUSIONS)) if f'"{EXCLUSIONS}"' in settings else NONE,
        sponsors=() if team_id is None else (Sponsor(team_id, plans.get(team_plan) or free, team_name),),
        pays=team_id is None or bool(own_after),
    )


_STATE = (
    """
SELECT t.*, a.balance_nanousd, a.held_nanousd, a.owed_nanousd, a.allowance_tokens, a.allowance_used_tokens,
       a.allowance_held_tokens, a.period_no, a.period_start_at, a.period_end_at, a.period_ref,
       team.id AS team_id, team.plan AS team_plan, team.name AS team_name, m.own_after
FROM"""
    f" {TENANTS} JOIN accounts a ON a.tenant_id = t.id\n"
)


def ensure_telegram(
    conn: Connection,
    user_id: int,
    *,
    name: str,
    username: str,
    language: str,
    plan: Plan,
    now: datetime,
    access: str = ADMITTED,
) -> tuple[TenantState, bool]:
    """Return the tenant of a Telegram user, and True if it was just created; `access` applies to a new tenant."""
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
    access: str = ADMITTED,
) -> int:
    """Create a tenant with its account and return its id; for a known Telegram user, return the existing id."""
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


def states(conn: Connection, tenant_ids: Iterable[int]) -> dict[int, TenantState]:
    wanted = ", ".join(map(str, tenant_ids)) or "NULL"
    return {each.id: each for each in map(_state, conn.rows(f"{_STATE} WHERE t.id IN ({wanted})"))}


def by_telegram(conn: Connection, user_id: int) -> TenantState | None:
    return _one(conn, f"{_STATE} WHERE t.telegram_user_id = :id", id=user_id)


def find(conn: Connection, text: str) -> TenantState | None:
    """Find a tenant by the tenant id or Telegram id that an operator typed. The tenant id has precedence."""
    number = row_number(text)
    return None if number is None else state(conn, number) or by_telegram(conn, number)


def page(conn: Connection, after: int, limit: int, *, telegram_user_id: int | None = None) -> list[TenantState]:
    """Return tenants with ids above `after`, oldest first."""
    only = " AND t.telegram_user_id = :user" if telegram_user_id is not None else ""
    rows = conn.rows(
        f"{_STATE} WHERE t.id > :after{only} ORDER BY t.id LIMIT :limit",
        after=after,
        limit=limit,
        **({"user": telegram_user_id} if only else {}),
    )
    return [_state(found) for found in rows]


def newest(conn: Connection, before: int | None, limit: int) -> list[TenantState]:
    """Return tenants with ids below `before`, newest first."""
    older = "WHERE t.id < :before " if before is not None else ""
    values = {"before": before} if before is not None else {}
    return [_state(found) for found in conn.rows(f"{_STATE} {older}ORDER BY t.id DESC LIMIT :n", n=limit, **values)]


def waiting(conn: Connection, limit: int = 50) -> list[TenantState]:
    """Return the tenants whose access is pending, oldest first."""
    rows = conn.rows(f"{_STATE} WHERE t.access = :pending ORDER BY t.id LIMIT :n", pending=PENDING, n=limit)
    return [_state(found) for found in rows]


def paid_for_period(conn: Connection, tenant: TenantState) -> Money:
    """Return the amount paid for the current plan period; zero if it was free or granted."""
    if not tenant.period_ref:
        return Money(0)
    paid = scalar(conn, "SELECT amount_nanousd FROM transfers WHERE ref = :ref", ref=tenant.period_ref)
    return Money(paid or 0)


def new_since(conn: Connection, since: datetime) -> int:
    """Count the tenants with a Telegram user that were created since `since`."""
    sql = "SELECT count(*) AS n FROM tenants WHERE created_at >= :since AND telegram_user_id IS NOT NULL"
    return int(scalar(conn, sql, since=ms(since)))


def count(conn: Connection) -> int:
    return int(scalar(conn, "SELECT count(*) AS n FROM tenants"))


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
        keep_days=found["keep_days"],
        wallet=Money(found["balance_nanousd"]),
        held=Money(found["held_nanousd"]),
        owed=Money(found["owed_nanousd"]),
        allowance_tokens=found["allowance_tokens"],
        allowance_left_tokens=left,
        period_no=found["period_no"],
        period_start=moment(found["period_start_at"]),
        renews_at=moment(found["period_end_at"]),
        period_ref=found["period_ref"],
        team=_seat(found),
    )


def _seat(found: Row) -> TeamSeat | None:
    if found["team_id"] is None:
        return None
    return TeamSeat(found["team_id"], found["team_plan"], found["team_name"], bool(found["own_after"]))
