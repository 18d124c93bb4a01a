"""The Bot API over HTTP: /bot{token}/{method} and /file/bot{token}/{path}."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.telegram.methods import Methods, Upload
from sandbox.telegram.refusals import Refusal, refuse
from sandbox.telegram.world import TOKEN, World


def routes(world: World) -> list[Route]:
    methods = Methods(world)

    async def call(request: Request) -> Response:
        try:
            if request.path_params["token"] != TOKEN:
                raise refuse("unauthorized")
            result = await methods.call(request.path_params["method"], await _params(request))
        except Refusal as refusal:
            return JSONResponse(refusal.body(), refusal.code)
        except (ValueError, TypeError, KeyError) as error:
            return JSONResponse(Refusal(400, f"Bad Request: {error}").body(), 400)
        return JSONResponse({"ok": True, "result": result})

    async def download(request: Request) -> Response:
        name = request.path_params["path"].rpartition("/")[2]
        if request.path_params["token"] != TOKEN or name not in world.files:
            return JSONResponse(refuse("no_method").body(), 404)
        _, kind, data = world.files[name]
        return Response(data, media_type=kind)

    return [
        Route("/bot{token}/{method}", call, methods=["GET", "POST"]),
        Route("/file/bot{token}/{path:path}", download),
    ]


async def _params(request: Request) -> dict[str, Any]:
    """From the address, a form, a multipart form, or JSON."""
    params: dict[str, Any] = dict(request.query_params)
    if "json" in request.headers.get("content-type", ""):
        body = json.loads(await request.body() or b"{}")
        return params | {k: v if isinstance(v, str) else json.dumps(v) for k, v in body.items()}
    async with request.form(max_part_size=60_000_000) as form:
        for name, value in form.items():
            if isinstance(value, str):
                params[name] = value
            else:
                kind = value.content_type or "application/octet-stream"
                params[name] = Upload(value.filename or name, kind, await value.read())
    return params
