"""The HTTP face, put together: routes, the guard before them, every failure in one shape."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from engine.gateway.gateway import Gateway
from engine.money import Money
from engine.ports import Clock
from engine.tenancy import Plan
from storage.database.database import Database
from storage.invoices.invoices import Seller
from web import health, metrics, openapi
from web.admin import books, invoices, keys, tenants
from web.auth import Guard, Keyring
from web.errors import BROKEN, HttpProblem, bad_request
from web.miniapp import routes as mini
from web.miniapp.access import MiniAppAccess, Telegram
from web.miniapp.account import AccountData
from web.miniapp.operator import OperatorData
from web.openai import models
from web.openai.completions import Completions
from web.openai.idempotency import StoredReplies


@dataclass(frozen=True, slots=True)
class Parts:
    """What the face is built from. `provider_rows(admin)` is what GET /providers shows."""

    db: Database
    gateway: Gateway
    plans: Mapping[str, Plan]
    clock: Clock
    provider_rows: Callable[[bool], list[dict[str, Any]]]
    lease_id: str = ""
    payout_per_star: Money = Money(13_000_000)
    seller: Seller = Seller()
    admin_key: str = ""
    telegram: Telegram | None = None
    more_routes: Sequence[BaseRoute] = ()


def build(parts: Parts) -> ASGIApp:
    """Without an admin key the admin routes don't exist, without a bot the Mini App."""
    app = FastAPI(
        title="Farthing",
        description="OpenAI-compatible chat completions from the cheapest provider that is up, and their books.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    _translate_errors(app)
    app.include_router(health.router(parts.db, parts.provider_rows))
    app.include_router(models.router(parts.gateway.market.catalog))
    completions = Completions(parts.gateway, StoredReplies(parts.db, parts.clock, parts.lease_id))
    app.router.routes.append(Route("/v1/chat/completions", completions.create, methods=["POST"]))
    if parts.admin_key:
        desk = tenants.Tenants(parts.db, parts.plans, parts.clock)
        for router in (
            tenants.router(desk),
            keys.router(desk),
            books.router(desk, parts.payout_per_star),
            invoices.router(desk, parts.seller),
        ):
            app.include_router(router)
        app.include_router(metrics.router(parts.db, parts.gateway))
    if parts.telegram is not None:
        app.include_router(_mini_app(parts))
    app.router.routes.extend(parts.more_routes)
    openapi.describe(app)
    door = MiniAppAccess(parts.db, parts.clock, parts.telegram) if parts.telegram is not None else None
    return Guard(app, Keyring(parts.db, parts.plans, parts.clock, parts.admin_key), door)


def _mini_app(parts: Parts) -> APIRouter:
    return mini.router(
        AccountData(parts.db, parts.clock, parts.seller),
        OperatorData(parts.db, parts.clock, parts.plans, parts.payout_per_star, parts.provider_rows),
    )


def _translate_errors(app: FastAPI) -> None:
    @app.exception_handler(HttpProblem)
    async def problem(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HttpProblem)
        return error.response()

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return _invalid(error).response()

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        if isinstance(error.__cause__, HttpProblem):  # a body that grew too large while FastAPI read it
            return error.__cause__.response()
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code)
        response = HttpProblem(error.status_code, f"{error.detail}.", code=code).response()
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    async def broken(_: Request, __: Exception) -> JSONResponse:
        return BROKEN.response()


def _invalid(error: RequestValidationError) -> HttpProblem:
    fault = error.errors()[0]
    where = ".".join(str(part) for part in fault["loc"] if part not in {"body", "query", "path", "header"})
    return bad_request(where or None, f"{where or 'body'}: {fault['msg']}.")
