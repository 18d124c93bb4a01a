"""The operator's routes for tenants, their plans and wallets."""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query

from engine.money import Money
from engine.ports import Clock
from engine.tenancy import Plan
from storage.billing import plans
from storage.database.connection import Connection, row_number
from storage.database.database import Database
from storage.ledger import transfers
from storage.operations import operator_log
from storage.operations.operator_log import BY_KEY
from storage.tenants import tenants
from web.errors import HttpProblem, bad_request, not_found
from web.openapi_parts import BODY_ERRORS, IDEMPOTENCY_KEY, KEY_ERRORS, errors
from web.schema_fields import utc_text
from web.schemas import CreditIn, PlanIn, TenantIn, TenantList, TenantOut


def tenant_row(state: tenants.TenantState) -> dict[str, Any]:
    """Return the fields of TenantOut: ids as strings, money in USD, times in UTC."""
    return {
        "id": str(state.id),
        "telegram_user_id": state.telegram_user_id,
        "name": state.name,
        "plan": state.plan,
        "wallet_usd": str(state.wallet),
        "held_usd": str(state.held),
        "owed_usd": str(state.owed),
        "allowance_tokens": state.allowance_tokens,
        "allowance_left_tokens": state.allowance_left_tokens,
        "renews_at": utc_text(state.renews_at),
        "banned": state.banned,
    }


class TenantStore:
    """Reads and changes tenants for the operator's routes."""

    def __init__(self, db: Database, known: Mapping[str, Plan], clock: Clock) -> None:
        self.db, self.plans, self.clock = db, known, clock

    async def state(self, text_id: str) -> tenants.TenantState:
        """Return the tenant with this id. Raises HttpProblem 404."""
        number = row_number(text_id)
        state = None if number is None else await self.db.read(lambda conn: tenants.state(conn, number))
        if state is None:
            raise not_found(f"There is no tenant {text_id}.")
        return state

    def plan(self, name: str) -> Plan:
        if name not in self.plans:
            raise bad_request("plan", f"plan: {name!r} does not exist; choose one of {', '.join(self.plans)}.")
        return self.plans[name]

    async def credit(self, text_id: str, amount: Money, reason: str, key: str) -> tenants.TenantState:
        """Credit the wallet, or debit it by a negative amount, once per tenant and key.

        Raises HttpProblem 409 if the key was used with another amount or reason.
        """
        tenant = await self.state(text_id)
        fingerprint = hashlib.sha256(f"{tenant.id}:{key}".encode()).hexdigest()
        ref = f"admin-credit:{fingerprint}"

        def unit(conn: Connection) -> bool:
            now = self.clock.now()
            booked = transfers.adjust(conn, tenant.id, amount, ref=ref, reason=reason, now=now)
            if booked:
                operator_log.record(conn, BY_KEY, "credit", now, tenant=tenant.id, detail=f"{amount}: {reason}")
            return booked or transfers.adjusted(conn, ref) == (amount, reason)

        if not await self.db.write(unit):
            raise HttpProblem(
                409,
                "Idempotency-Key: this key was used for another amount or reason. Use a new key.",
                param="Idempotency-Key",
                code="idempotency_key_reused",
            )
        return await self.state(text_id)


def router(store: TenantStore) -> APIRouter:
    routes = APIRouter(prefix="/admin/tenants", tags=["tenants"], responses=errors(*KEY_ERRORS))

    @routes.get("", summary="Tenants, oldest first, in pages", responses=errors(400))
    async def listing(
        telegram_user_id: Annotated[int | None, Query(ge=0, lt=2**63)] = None,
        cursor: Annotated[int, Query(ge=0, lt=2**63)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> TenantList:
        rows = await store.db.read(
            lambda conn: tenants.page(conn, cursor, limit + 1, telegram_user_id=telegram_user_id)
        )
        more = str(rows[limit - 1].id) if len(rows) > limit else None
        return TenantList.model_validate({"data": [tenant_row(row) for row in rows[:limit]], "next": more})

    @routes.post("", status_code=201, summary="Make a tenant without Telegram", responses=errors(*BODY_ERRORS))
    async def create(body: TenantIn) -> TenantOut:
        plan = store.plan(body.plan)
        made = await store.db.write(lambda conn: tenants.create(conn, body.name, plan, now=store.clock.now()))
        return TenantOut.model_validate(tenant_row(await store.state(str(made))))

    @routes.get("/{tenant_id}", summary="One tenant", responses=errors(404))
    async def one(tenant_id: str) -> TenantOut:
        return TenantOut.model_validate(tenant_row(await store.state(tenant_id)))

    @routes.put("/{tenant_id}/plan", summary="Change the plan at once", responses=errors(*BODY_ERRORS, 404))
    async def change_plan(tenant_id: str, body: PlanIn) -> TenantOut:
        state, plan = await store.state(tenant_id), store.plan(body.plan)
        now = store.clock.now()

        def unit(conn: Connection) -> None:
            plans.set_by_admin(conn, state.id, plan, now)
            detail = f"{state.plan} → {plan.name}"
            operator_log.record(conn, BY_KEY, "set plan", now, tenant=state.id, detail=detail)

        await store.db.write(unit)
        return TenantOut.model_validate(tenant_row(await store.state(tenant_id)))

    @routes.post(
        "/{tenant_id}/credits",
        summary="Credit the wallet, or debit it by an amount below zero, once per Idempotency-Key",
        responses=errors(
            *BODY_ERRORS, 404, 409, words={409: "The Idempotency-Key was used for another amount or reason"}
        ),
        openapi_extra={"parameters": [{**IDEMPOTENCY_KEY, "required": True}]},
    )
    async def credit(
        tenant_id: str,
        body: CreditIn,
        idempotency_key: Annotated[str | None, Header(max_length=255, include_in_schema=False)] = None,
    ) -> TenantOut:
        if not idempotency_key:
            raise bad_request(
                "Idempotency-Key",
                "Idempotency-Key: send this header, so that a repeated call credits only once.",
            )
        state = await store.credit(tenant_id, Money.usd(body.usd), body.reason, idempotency_key)
        return TenantOut.model_validate(tenant_row(state))

    return routes
