"""Tenants for operators: a list, a search, a card for each; ban and credit."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import BaseModel, Field

import locales
from engine.money import ZERO, Money
from engine.ports import Clock
from locales.amounts import usd_written
from storage.billing import payments as paid
from storage.billing import subscriptions
from storage.database.connection import Connection, moment, row_number
from storage.database.database import Database
from storage.operations import operator_actions
from storage.operations.operator_log import Operator
from storage.reports import failures, usage
from storage.tenants import api_keys, tenants
from storage.tenants.search import search
from storage.tenants.tenants import TenantState
from web.errors import HttpProblem, bad_request, not_found
from web.miniapp.access import MiniAppUser, current_operator
from web.miniapp.answers import PRIVATE, app_errors, text, written
from web.miniapp.payments.ports import NoticesPort
from web.openapi_parts import BODY_ERRORS, IDEMPOTENCY_KEY
from web.schema_fields import In, Plain, utc_text

ByOperator = Annotated[MiniAppUser, Depends(current_operator)]
PER_PAGE = 20
MOST = Money.usd("1000000")
FACTS = (
    "since",
    "left",
    "renews",
    "next_plan",
    "held",
    "owed",
    "prompts",
    "charged",
    "cost",
    "last_error",
    "subscription",
    "payments",
    "blocked",
)
"""The names of the card's lines, in their order."""
USED_KEY = HttpProblem(
    409,
    "Idempotency-Key: this key was used for another amount. Use a new key.",
    param="Idempotency-Key",
    code="idempotency_key_reused",
)


class TenantLineOut(BaseModel):
    id: str
    name: str
    username: str
    plan: str
    wallet: str
    state: str = Field(description="in, pending, declined or banned")


class TenantPageOut(BaseModel):
    data: list[TenantLineOut]
    next: str | None
    count: int


class FactOut(BaseModel):
    """A line of the card: the name of one of the page's texts, and a value as text."""

    name: str
    value: str


class TenantCardOut(TenantLineOut):
    telegram_user_id: str | None
    is_operator: bool
    facts: list[FactOut]
    keys: list[str]


class CreditAmountIn(In):
    amount: Plain = Field(max_length=40, description="USD as people write it; below zero to take", examples=["5.00"])


@dataclass(frozen=True, slots=True)
class TenantPages:
    """Reads and changes tenants. Each change is recorded in the operators' log."""

    db: Database
    clock: Clock
    admin_ids: Collection[int]
    notices: NoticesPort | None

    async def page(self, user: MiniAppUser, words: str, before: int | None) -> TenantPageOut:
        """Return a page, newest first; with `words`, the tenants with that id, @username or name."""
        count = await self.db.read(tenants.count)
        if words.strip():
            found = await self.db.read(partial(search, text=words, limit=PER_PAGE))
        else:
            found = await self.db.read(lambda conn: tenants.newest(conn, before, PER_PAGE + 1))
        older = str(found[PER_PAGE - 1].id) if len(found) > PER_PAGE else None
        data = [TenantLineOut(**_line(user, each)) for each in found[:PER_PAGE]]
        return TenantPageOut(data=data, next=older, count=count)

    async def card(self, user: MiniAppUser, text_id: str) -> TenantCardOut:
        state, now = await self._find(text_id), self.clock.now()
        return await self.db.read(lambda conn: self._card(conn, user, state, now))

    async def ban(self, user: MiniAppUser, text_id: str) -> TenantCardOut:
        """Ban a tenant. Raises HttpProblem 409 for an operator, who would be locked out."""
        state, now = await self._find(text_id), self.clock.now()
        if state.telegram_user_id in self.admin_ids:
            raise HttpProblem(409, text(user, "admin.ban_operator", name=_name(state)), code="is_operator")
        await self.db.write(lambda conn: operator_actions.ban(conn, by(user), state.id, now))
        if not state.banned:
            await self._tell(state, "access.banned")
        return await self.card(user, text_id)

    async def unban(self, user: MiniAppUser, text_id: str) -> TenantCardOut:
        """Lift a ban, or admit a tenant who is waiting."""
        state, now = await self._find(text_id), self.clock.now()
        is_admitted = await self.db.write(lambda conn: operator_actions.unban(conn, by(user), state.id, now))
        if is_admitted:
            await self._tell(state, "access.welcome")
        elif state.banned:
            await self._tell(state, "access.unbanned")
        return await self.card(user, text_id)

    async def credit(self, user: MiniAppUser, text_id: str, given: str, key: str) -> TenantCardOut:
        """Credit the wallet, or debit it by a negative amount, once per key of this operator."""
        state, now, amount = await self._find(text_id), self.clock.now(), _change(user, given)
        ref = f"admin:app:{by(user).user}:{state.id}:{key}"

        def unit(conn: Connection) -> bool:
            booked = operator_actions.adjust_wallet(conn, by(user), state.id, amount, now, ref=ref)
            return booked or operator_actions.was_adjusted(conn, by(user), amount, ref=ref)

        if not await self.db.write(unit):
            raise USED_KEY.new()
        return await self.card(user, text_id)

    async def _tell(self, state: TenantState, key: str) -> None:
        if self.notices is not None and state.telegram_user_id is not None and not state.blocked:
            await self.notices.notify(state.telegram_user_id, key, {})

    async def _find(self, text_id: str) -> TenantState:
        number = row_number(text_id)
        found = None if number is None else await self.db.read(lambda conn: tenants.state(conn, number))
        if found is None:
            raise not_found(f"There is no tenant {text_id}.")
        return found

    def _card(self, conn: Connection, user: MiniAppUser, state: TenantState, now: datetime) -> TenantCardOut:
        keys = [f"{key.prefix}… {key.name}".strip() for key in api_keys.list_for(conn, state.id, now)]
        return TenantCardOut(
            **_line(user, state),
            telegram_user_id=None if state.telegram_user_id is None else str(state.telegram_user_id),
            is_operator=state.telegram_user_id in self.admin_ids,
            facts=[FactOut(name=name, value=value) for name, value in _facts(conn, user, state, now).items()],
            keys=keys,
        )


def by(user: MiniAppUser) -> Operator:
    """Return the operator in the form of the operators' log."""
    return Operator(user.state.telegram_user_id or 0, user.state.name)


def _facts(conn: Connection, user: MiniAppUser, state: TenantState, now: datetime) -> dict[str, str]:
    """Return the lines of the card. Lines without a value are left out."""
    today = now.date()
    used = usage.UsageTotals.of(usage.rows(conn, today.replace(day=1), today, state.id))
    values = (
        written(user, state.created_at),
        f"{written(user, state.allowance_left_tokens)} / {written(user, state.allowance_tokens)}",
        written(user, state.renews_at),
        state.next_plan or "",
        written(user, state.held) if state.held else "",
        written(user, state.owed) if state.owed else "",
        written(user, used.prompts),
        written(user, used.charge),
        written(user, used.cost + used.waste),
        _last_error(conn, state),
        _subscription(conn, user, state),
        ", ".join(_payment(user, each) for each in paid.latest(conn, state.id)),
        text(user, "admin.blocked").lstrip(", ") if state.blocked else "",
    )
    return {name: value for name, value in zip(FACTS, values, strict=True) if value}


def _last_error(conn: Connection, state: TenantState) -> str:
    found = failures.last_failure_of(conn, state.id)
    if found is None:
        return ""
    where = f"{found.provider}/{found.model}" if found.model else found.asked
    return f"{found.outcome} · {where} · {utc_text(found.at.replace(microsecond=0))}"


def _subscription(conn: Connection, user: MiniAppUser, state: TenantState) -> str:
    found = subscriptions.current(conn, state.id)
    if found is None:
        return ""
    words = text(user, f"admin.subscription_{found.state}")
    return f"{found.plan} · {words} · {written(user, found.until)}"


def _payment(user: MiniAppUser, found: Any) -> str:
    return f"{written(user, moment(found['paid_at']))}: {found['stars']} ⭐" + (" ↩" if found["refunded_at"] else "")


def _line(user: MiniAppUser, state: TenantState) -> dict[str, Any]:
    return {
        "id": str(state.id),
        "name": _name(state),
        "username": state.username,
        "plan": state.plan,
        "wallet": written(user, state.wallet),
        "state": "banned" if state.banned else state.access,
    }


def _name(state: TenantState) -> str:
    return state.name or str(state.id)


def _change(user: MiniAppUser, given: str) -> Money:
    """Read an amount that is not zero, from -MOST to MOST, in the operator's language. Raises HttpProblem 400."""
    formats, typed = locales.find(user.texts).formats, given.strip()
    is_below = typed.startswith(("-", "\N{MINUS SIGN}"))
    found = usd_written(typed[1:] if is_below else typed, formats)
    try:
        amount = ZERO if found is None else Money.usd(-found if is_below else found)
    except ValueError:
        amount = ZERO
    if amount == ZERO or not -MOST <= amount <= MOST:
        raise bad_request("amount", text(user, "admin.bad_change", text=given))
    return amount


def router(pages: TenantPages) -> APIRouter:
    routes = APIRouter(prefix="/app/tenants", tags=["mini app"])

    @routes.get("", summary="For operators: tenants, newest first, or searched", responses=app_errors(400, 404))
    async def page(
        user: ByOperator,
        response: Response,
        search: Annotated[str, Query(max_length=200)] = "",
        cursor: Annotated[int | None, Query(ge=0, lt=2**63)] = None,
    ) -> TenantPageOut:
        response.headers.update(PRIVATE)
        return await pages.page(user, search, cursor)

    @routes.get("/{tenant_id}", summary="For operators: one tenant", responses=app_errors(404))
    async def card(user: ByOperator, tenant_id: str, response: Response) -> TenantCardOut:
        response.headers.update(PRIVATE)
        return await pages.card(user, tenant_id)

    @routes.post("/{tenant_id}/ban", summary="For operators: ban a tenant", responses=app_errors(404, 409))
    async def ban(user: ByOperator, tenant_id: str, response: Response) -> TenantCardOut:
        response.headers.update(PRIVATE)
        return await pages.ban(user, tenant_id)

    @routes.post("/{tenant_id}/unban", summary="For operators: end a ban, or admit", responses=app_errors(404))
    async def unban(user: ByOperator, tenant_id: str, response: Response) -> TenantCardOut:
        response.headers.update(PRIVATE)
        return await pages.unban(user, tenant_id)

    @routes.post(
        "/{tenant_id}/credits",
        summary="For operators: credit the wallet, once per Idempotency-Key",
        responses=app_errors(*BODY_ERRORS, 404, 409),
        openapi_extra={"parameters": [{**IDEMPOTENCY_KEY, "required": True}]},
    )
    async def credit(
        user: ByOperator,
        tenant_id: str,
        asked: CreditAmountIn,
        response: Response,
        idempotency_key: Annotated[str | None, Header(max_length=255, include_in_schema=False)] = None,
    ) -> TenantCardOut:
        response.headers.update(PRIVATE)
        if not idempotency_key:
            raise bad_request("Idempotency-Key", "Idempotency-Key: send it, so that a repeated call credits only once.")
        return await pages.credit(user, tenant_id, asked.amount, idempotency_key)

    return routes
