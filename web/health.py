"""GET /health, /ready and /providers."""

import asyncio
from collections.abc import Callable

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from engine.gateway.question import Market
from storage.database.database import Database, migrations_pending
from web.openapi_parts import KEY_ERRORS, errors
from web.provider_rows import any_configured, provider_rows
from web.schemas import HealthOut, ProviderList, Ready

ANSWER_SECONDS = 3.0


async def database_answers(db: Database, can_write: Callable[[], bool]) -> str | None:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await db.read(lambda conn: conn.rows("SELECT 1 AS one"))
    except Exception:  # noqa: BLE001 - every driver error has the same meaning here
        return "database: does not answer"
    return None if can_write() else "database: can't be written; is the disk full?"


async def migrations_done(db: Database) -> str | None:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            pending = await db.read(migrations_pending)
    except Exception:  # noqa: BLE001 - database_answers() reports the reason
        return "migrations: unknown"
    return "migrations: pending; run `python -m main migrate`" if pending else None


def router(db: Database, market: Market, can_write: Callable[[], bool]) -> APIRouter:
    """Return the routes. /health: the process runs. /ready: it can answer prompts, or the reasons why not.

    `can_write`: whether the last renewal of the process's lease succeeded in time.
    """
    routes = APIRouter(tags=["health"])

    @routes.head("/health", include_in_schema=False)  # some monitors send HEAD
    @routes.get("/health", summary="Whether the process runs")
    async def health() -> HealthOut:
        return HealthOut(status="healthy")

    @routes.head("/ready", include_in_schema=False)
    @routes.get(
        "/ready",
        summary="Whether prompts can be answered, and if not, why",
        response_model=Ready,
        responses={503: {"model": Ready, "description": "Not ready: see `reasons`"}},
    )
    async def ready() -> JSONResponse:
        reasons = [reason for reason in (await database_answers(db, can_write), await migrations_done(db)) if reason]
        if not any_configured(market):
            reasons.append("providers: none is configured")
        return JSONResponse(
            {"status": "not_ready" if reasons else "ready", "reasons": reasons}, 503 if reasons else 200
        )

    @routes.get(
        "/providers",
        summary="State of every provider; prices and limits with the admin key only",
        responses=errors(*KEY_ERRORS),
    )
    async def providers(request: Request) -> ProviderList:
        return ProviderList.model_validate({"data": provider_rows(market, admin=request.state.caller.is_admin)})

    return routes
