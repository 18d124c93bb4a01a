"""The Bot API over HTTP: /bot{token}/{method} and /file/bot{token}/{path}."""

import json
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.telegram import methods
from sandbox.telegram.params import Params, Upload
from sandbox.telegram.refusals import BotApiError, refuse
from sandbox.telegram.world import TOKEN, World

INLINE = frozenset(("image/png", "image/jpeg", "image/webp", "image/gif"))


def routes(world: World) -> list[Route]:
    async def call(request: Request) -> Response:
        try:
            if request.path_params["token"] != TOKEN:
                raise refuse("unauthorized")
            result = await methods.call(world, request.path_params["method"], await _params(request))
        except BotApiError as refusal:
            return JSONResponse(refusal.body(), refusal.code)
        except ValueError as error:
            return JSONResponse(BotApiError(400, f"Bad Request: {error}").body(), 400)
        return JSONResponse({"ok": True, "result": result})

    async def download(request: Request) -> Response:
        name = request.path_params["path"].rpartition("/")[2].partition(".")[0]
        if request.path_params["token"] != TOKEN or name not in world.files:
            return JSONResponse(refuse("no_method").body(), 404)
        filename, kind, data = world.files[name]
        shown = "inline" if kind in INLINE else "attachment"
        headers = {"content-disposition": f"{shown}; filename*=UTF-8''{quote(filename)}"}
        return Response(data, media_type=kind, headers=headers | {"x-content-type-options": "nosniff"})

    return [
        Route("/bot{token}/{method}", call, methods=["GET", "POST"]),
        Route("/file/bot{token}/{path:path}", download),
    ]


async def _params(request: Request) -> Params:
    """Return the parameters from the URL, a form, a multipart form, or JSON. Everything but files is text."""
    params: Params = dict(request.query_params)
    if "json" in request.headers.get("content-type", ""):
        body = json.loads(await request.body() or b"{}")
        if not isinstance(body, dict):
            raise ValueError("object expected")
        given = {name: value for name, value in body.items() if value is not None}
        return params | {k: v if isinstance(v, str) else json.dumps(v) for k, v in given.items()}
    async with request.form(max_part_size=60_000_000) as form:
        for name, value in form.items():
            if isinstance(value, str):
                params[name] = value
            else:
                kind = value.content_type or "application/octet-stream"
                params[name] = Upload(value.filename or name, kind, await value.read())
    return params
