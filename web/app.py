"""The HTTP app: routes, authentication before them, and one shape for every error."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
from storage.database.unavailable import is_unavailable
from storage.invoices.invoices import Seller
from web import health, home, metrics, openapi
from web.admin import exclusions, invoices, keys, reports, tenants
from web.anthropic.messages import MessagesFamily, TokenCount
from web.attempt_metrics import AttemptMetrics
from web.auth import Authenticator
from web.errors import SERVER_ERROR, HttpProblem, bad_request
from web.miniapp import parts as mini_app
from web.miniapp.access import MiniAppAccess, Telegram
from web.miniapp.payments.ports import Payments
from web.openai import exclusions as own_exclusions
from web.openai import models, usage
from web.openai.chat import ChatFamily
from web.openai.embeddings import EmbeddingsEndpoint
from web.openai.responses.family import InputTokens, ResponsesFamily
from web.openai.responses.stored import StoredResponses
from web.openai.text_completions import TextFamily
from web.pipeline.endpoint import ChatEndpoint, Prompting
from web.pipeline.files import RequestFiles
from web.pipeline.idempotency import IdempotencyKeys
from web.requests.body import BodyReader
from web.requests.body_memory import BodyMemory
from web.requests.cors import ANY, Cors
from web.requests.middleware import RequestHead, RequestLimits, RequestMiddleware
from web.requests.paths import Paths
from web.requests.unexpected import DATABASE_UNAVAILABLE


@dataclass(frozen=True, slots=True)
class WebServices:
    """The storage, engine and settings that the routes use.

    `can_write`: whether this process has lately written to the database. `public_url`: the address that GET / shows.
    `alert_wrong_keys` tells admins the number of wrong admin keys.
    """

    db: Database
    gateway: Gateway
    plans: Mapping[str, Plan]
    clock: Clock
    payout_per_star: Money
    lease_id: str = ""
    seller: Seller = Seller()
    admin_key: str = ""
    telegram: Telegram | None = None
    payments: Payments | None = None
    more_routes: Sequence[BaseRoute] = ()
    attempts: AttemptMetrics = field(default_factory=AttemptMetrics)
    public_url: str = ""
    cors_origins: Sequence[str] = (ANY,)
    alert_wrong_keys: Callable[[int], Awaitable[object]] | None = None
    can_write: Callable[[], bool] = lambda: True


def build_app(services: WebServices) -> ASGIApp:
    """Return the app. It has no admin routes without an admin key, and no Mini App without a bot token."""
    app = FastAPI(
        title="Farthing",
        description="OpenAI-compatible chat completions from the cheapest provider that is up, with exact accounts.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # web/openapi.py adds the route
        redirect_slashes=False,
    )
    _translate_errors(app)
    memory = BodyMemory()
    routers = _routers(services, memory)
    for router in routers:
        app.include_router(router)
    prompting = Prompting(services.gateway, IdempotencyKeys(services.db, services.clock, services.lease_id))
    endpoints = _prompt_endpoints(prompting, services)
    prompts = [Route(path, endpoint, methods=["POST"]) for path, endpoint in endpoints.items()]
    app.router.routes.extend(prompts)
    app.router.routes.extend(_stored_responses(services))
    app.router.routes.extend(services.more_routes)
    market = services.gateway.market
    openapi.describe(app, tuple(services.plans), tuple(market.catalog.models), tuple(market.providers))
    return RequestMiddleware(
        app,
        {route.path: route.app for route in prompts},
        Paths([*app.routes, *(route for router in routers for route in router.routes)]),
        Authenticator(services.db, services.plans, services.clock, services.admin_key, services.alert_wrong_keys),
        RequestLimits(services.gateway.admission),
        BodyReader(memory, services.clock.monotonic),
        Cors(services.cors_origins),
        MiniAppAccess(services.db, services.clock, services.telegram) if services.telegram is not None else None,
    )


def _routers(services: WebServices, memory: BodyMemory) -> list[APIRouter]:
    """Return the routers that exist with these settings."""
    store = tenants.TenantStore(services.db, services.plans, services.clock)
    chosen = exclusions.ExclusionsStore(store, services.gateway.market)
    routers = [
        home.router(services.public_url),
        health.router(services.db, services.gateway.market, services.can_write),
        models.router(services.gateway.market.catalog),
        usage.router(services.db, services.clock),
        own_exclusions.router(chosen),
    ]
    if services.admin_key:
        routers += [
            tenants.router(store),
            exclusions.operator_router(chosen),
            keys.router(store),
            reports.router(store, services.payout_per_star),
            invoices.router(store, services.seller),
            metrics.router(services.db, services.gateway, services.attempts, memory),
        ]
    if services.telegram is not None:
        routers += mini_app.routers(_mini_app(services, services.telegram))
    return routers


def _prompt_endpoints(prompting: Prompting, services: WebServices) -> dict[str, Any]:
    """Return the endpoints of /v1 that answer prompts, by path. POST calls them directly, not through FastAPI."""
    files = RequestFiles(count=services.gateway.count_request)
    responses, messages = ResponsesFamily(services.db, services.clock, files), MessagesFamily(files)
    return {
        "/v1/chat/completions": ChatEndpoint(prompting, ChatFamily(files)),
        "/v1/messages": ChatEndpoint(prompting, messages, b"messages\n"),
        "/v1/messages/count_tokens": TokenCount(messages).create,
        "/v1/responses": ChatEndpoint(prompting, responses, b"responses\n"),
        "/v1/responses/input_tokens": InputTokens(responses).create,
        "/v1/completions": ChatEndpoint(prompting, TextFamily(), b"completions\n"),
        "/v1/embeddings": EmbeddingsEndpoint(prompting).create,
    }


def _stored_responses(services: WebServices) -> list[BaseRoute]:
    stored = StoredResponses(services.db)
    return [
        Route("/v1/responses/{response_id}", stored.read, methods=["GET"]),
        Route("/v1/responses/{response_id}", stored.delete, methods=["DELETE"]),
        Route("/v1/responses/{response_id}/cancel", stored.cancel, methods=["POST"]),
        Route("/v1/responses/{response_id}/input_items", stored.input_items, methods=["GET"]),
    ]


def _mini_app(services: WebServices, telegram: Telegram) -> mini_app.MiniAppParts:
    return mini_app.MiniAppParts(
        services.db,
        services.clock,
        services.plans,
        services.gateway.market,
        services.seller,
        services.payout_per_star,
        telegram,
        services.payments,
    )


def _translate_errors(app: FastAPI) -> None:
    def respond(request: Request, problem: HttpProblem) -> JSONResponse:
        head: RequestHead | None = getattr(request.state, "head", None)
        return problem.response(head.shape, head.request_id) if head is not None else problem.response()

    @app.exception_handler(HttpProblem)
    async def problem(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HttpProblem)
        return respond(request, error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return respond(request, _invalid(error))

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code)
        text = str(error.detail).removesuffix(".")
        return respond(request, HttpProblem(error.status_code, f"{text}.", code=code, more_headers=error.headers or {}))

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> JSONResponse:
        return respond(request, DATABASE_UNAVAILABLE if is_unavailable(error) else SERVER_ERROR)


def _invalid(error: RequestValidationError) -> HttpProblem:
    fault = error.errors()[0]
    where = ".".join(str(part) for part in fault["loc"] if part not in {"body", "query", "path", "header"})
    reason = str(fault["msg"]).removeprefix("Value error, ")  # pydantic's words before a sentence of ours
    return bad_request(where or None, f"{where or 'body'}: {reason}.")
