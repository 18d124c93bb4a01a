"""/openapi.json describes every route."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.routing import BaseRoute, Route

import web
from main.front_ends import web_services
from main.observability.tracing import route_of
from tests.web.conftest import RunningApi
from web.app import build_app
from web.openapi import described_operations
from web.requests.middleware import RequestMiddleware
from web.requests.paths import Paths


class ListedPaths(Paths):
    """The paths of an app, with a list of its routes."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self.routes = tuple(routes)
        super().__init__(self.routes)


def routes(api: RunningApi) -> Iterator[Route]:
    """Return the app's routes, including those of its routers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("web.app.Paths", ListedPaths)
        app = build_app(web_services(api.container))
    assert isinstance(app, RequestMiddleware)
    assert isinstance(app._paths, ListedPaths)
    return flat(app._paths.routes)


def flat(found: Iterable[BaseRoute]) -> Iterator[Route]:
    for route in found:
        if isinstance(route, Route):
            yield route
        elif (router := getattr(route, "original_router", None)) is not None:  # FastAPI's included router
            yield from flat(router.routes)
        else:
            raise AssertionError(f"{route} is neither a route nor a router")


def openapi_path(route: Route) -> str:
    return route.path.replace(":path}", "}")


async def described(http: httpx.AsyncClient) -> dict[str, Any]:
    paths: dict[str, Any] = (await http.get("/openapi.json")).json()["paths"]
    return paths


async def test_every_v1_route_is_described_with_its_401(api: RunningApi) -> None:
    async with api.http() as http:
        paths = await described(http)
    v1 = [route for route in routes(api) if route.path.startswith("/v1")]
    assert len(v1) >= 3
    missing = [
        f"{method} {route.path}"
        for route in v1
        for method in sorted((route.methods or set()) - {"HEAD"})
        if "401" not in paths.get(openapi_path(route), {}).get(method.lower(), {}).get("responses", {})
    ]
    assert not missing, (
        f"describe with their 401: {', '.join(sorted(set(missing)))}. A FastAPI route gets `responses=` with "
        "KEY_ERRORS of web/openapi_parts.py, any other route a module in web/operations"
    )


async def test_every_route_is_described(api: RunningApi) -> None:
    async with api.http() as http:
        paths = await described(http)
    missing = [
        f"{method} {route.path}"
        for route in routes(api)
        if route.include_in_schema
        for method in sorted((route.methods or set()) - {"HEAD"})
        if method.lower() not in paths.get(openapi_path(route), {})
    ]
    assert missing == [], "describe these in web/operations, or set their include_in_schema to False"


def test_every_operation_has_its_route(api: RunningApi) -> None:
    served = {(openapi_path(route), method.lower()) for route in routes(api) for method in route.methods or ()}
    missing = {(each.path, each.method) for each in described_operations()} - served
    assert missing == set(), "web/app.py has no route for these operations of web/operations"


async def test_every_path_in_the_readme_is_described(api: RunningApi) -> None:
    async with api.http() as http:
        paths = await described(http)
    text = (Path(web.__file__).parents[1] / "README.md").read_text()
    named = set(re.findall(r"`(?:GET |POST )?(/(?:v1|admin)/[\w/]+|/health|/ready|/providers|/metrics)`", text))
    assert len(named) >= 10
    assert named - set(paths) == set(), "README.md names paths that do not exist"


async def test_every_described_path_has_a_route(api: RunningApi) -> None:
    async with api.http() as http:
        paths = await described(http)
    assert set(paths) <= {openapi_path(route) for route in routes(api)}


async def test_every_path_of_prompts_without_an_id_is_named_in_traces(api: RunningApi) -> None:
    async with api.http() as http:
        paths = {path for path in await described(http) if path.startswith("/v1/") and "{" not in path}
    assert {path for path in paths if route_of(path) != path} == set(), (
        "add these to _ROUTES of main/observability/tracing.py"
    )


async def test_every_401_names_a_security_scheme(api: RunningApi) -> None:
    async with api.http() as http:
        whole = (await http.get("/openapi.json")).json()
    schemes = set(whole["components"]["securitySchemes"])
    for operations in whole["paths"].values():
        for operation in operations.values():
            used = {name for each in operation.get("security", []) for name in each}
            assert bool(used) is ("401" in operation["responses"])
            assert used <= schemes


async def test_document_is_encoded_once(api: RunningApi, monkeypatch: pytest.MonkeyPatch) -> None:
    async with api.http() as http:
        first = await http.get("/openapi.json")
        monkeypatch.setattr("web.openapi.JSONResponse", None)
        again = await http.get("/openapi.json")
    assert (again.status_code, again.content) == (200, first.content)
    assert first.headers["content-type"] == "application/json"


def test_every_router_is_included_in_the_app() -> None:
    root = Path(web.__file__).parent
    made = [path for path in root.rglob("*.py") if re.search(r"^def router\(", path.read_text(), re.MULTILINE)]
    builders = [root / "app.py", root / "miniapp" / "parts.py"]
    included = set().union(*(imported_modules(ast.parse(path.read_text())) for path in builders))
    modules = {".".join(path.relative_to(root.parent).with_suffix("").parts) for path in made}
    assert len(modules) >= 7
    assert modules - included == set(), "include the routers of these modules in web/app.py or miniapp/parts.py"


def imported_modules(tree: ast.Module) -> set[str]:
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return {f"{node.module}.{alias.name}" for node in imports for alias in node.names}
