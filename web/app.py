"""The HTTP app: routes, authentication before them, and one shape for every error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
from web.admin import invoices, keys, reports, tenants
from web.anthropic.messages import MessagesFamily, TokenCount
from web.attempt_metrics import AttemptMetrics
from web.auth import Authenticator, AuthMiddleware
from web.errors import SERVER_ERROR, HttpProblem, bad_request
from web.miniapp import routes as mini_app
from web.miniapp.access import MiniAppAccess, Telegram
from web.miniapp.account import AccountPages
from web.miniapp.operator import OperatorPages
from web.openai import models
from web.openai.chat import ChatFamily
from web.openai.embeddings import EmbeddingsEndpoint
from web.pipeline.endpoint import ChatEndpoint, Prompting
from web.pipeline.idempotency import IdempotencyKeys


@dataclass(frozen=True, slots=True)
class WebServices:
    """The storage, engine and settings that the routes work with."""

    db: Database
    gateway: Gateway
    plans: Mapping[str, Plan]
    clock: Clock
    payout_per_star: Money
    lease_id: str = ""
    seller: Seller = Seller()
    admin_key: str = ""
    telegram: Telegram | None = None
    more_routes: Sequence[BaseRoute] = ()
    attempts: AttemptMetrics = field(default_factory=AttemptMetrics)


def build_app(services: WebServices) -> ASGIApp:
    """Return the app. Without an admin key the admin routes do not exist, without a bot token the Mini App's."""
    app = FastAPI(
        title="Farthing",
        description="OpenAI-compatible chat completions from the cheapest provider that is up, with exact accounts.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    _translate_errors(app)
    app.include_router(health.router(services.db, services.gateway.market))
    app.include_router(models.router(services.gateway.market.catalog))
    prompting = Prompting(services.gateway, IdempotencyKeys(services.db, services.clock, services.lease_id))
    chat = ChatEndpoint(prompting, ChatFamily())
    app.router.routes.append(Route("/v1/chat/completions", chat.create, methods=["POST"]))
    messages = ChatEndpoint(prompting, MessagesFamily(), b"messages\n")
    app.router.routes.append(Route("/v1/messages", messages.create, methods=["POST"]))
    app.router.routes.append(Route("/v1/messages/count_tokens", TokenCount().create, methods=["POST"]))
    app.router.routes.append(Route("/v1/embeddings", EmbeddingsEndpoint(prompting).create, methods=["POST"]))
    if services.admin_key:
        store = tenants.TenantStore(services.db, services.plans, services.clock)
        for router in (
            tenants.router(store),
            keys.router(store),
            reports.router(store, services.payout_per_star),
            invoices.router(store, services.seller),
        ):
            app.include_router(router)
        app.include_router(metrics.router(services.db, services.gateway, services.attempts))
    if services.telegram is not None:
        app.include_router(_mini_app(services))
    app.router.routes.extend(services.more_routes)
    openapi.describe(app, tuple(services.plans))
    access = MiniAppAccess(services.db, services.clock, services.telegram) if services.telegram is not None else None
    authenticator = Authenticator(services.db, services.plans, services.clock, services.admin_key)
    return AuthMiddleware(app, authenticator, access)


def _mini_app(services: WebServices) -> APIRouter:
    return mini_app.router(
        AccountPages(services.db, services.clock, services.seller),
        OperatorPages(services.db, services.clock, services.plans, services.payout_per_star, services.gateway.market),
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
        return SERVER_ERROR.response()


def _invalid(error: RequestValidationError) -> HttpProblem:
    fault = error.errors()[0]
    where = ".".join(str(part) for part in fault["loc"] if part not in {"body", "query", "path", "header"})
    return bad_request(where or None, f"{where or 'body'}: {fault['msg']}.")
