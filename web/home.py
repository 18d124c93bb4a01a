"""GET /: a page that explains the service, the base URL for clients, and how to get a key."""

import html

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

import locales
from web.schemas import HomeOut

GUARDED = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "vary": "accept, accept-language",
}
_PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Farthing</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.6 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; }}
code, pre {{ font: 14px/1.5 ui-monospace, monospace; }}
pre {{ padding: .75rem 1rem; border: 1px solid #8886; border-radius: .5rem; overflow-x: auto; }}
</style>
</head>
<body>
<h1>Farthing</h1>
<p>{about}</p>
<p>{base}</p>
<pre>{url}</pre>
<p>{key}</p>
<p>{example}</p>
<pre>curl {url}/chat/completions \\
  -H "Authorization: Bearer fk-..." -H "Content-Type: application/json" \\
  -d '{{"model": "auto", "messages": [{{"role": "user", "content": "Hello"}}]}}'</pre>
<p>{more} <a href="/openapi.json"><code>/openapi.json</code></a></p>
</body>
</html>
"""


def router(public_url: str) -> APIRouter:
    """Return the route. `public_url` comes from the settings, because a request's Host header can't be trusted."""
    routes = APIRouter(tags=["home"])
    base_url = f"{public_url.rstrip('/')}/v1"

    @routes.get(
        "/",
        summary="The description of this service",
        response_model=HomeOut,
        responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
    )
    async def home(request: Request) -> Response:
        if wants_json(request.headers.get("accept", "")):
            return JSONResponse(_facts(base_url), headers=GUARDED)
        language = language_of(request.headers.get("accept-language", ""))
        return HTMLResponse(_page(base_url, language), headers=GUARDED)

    return routes


def wants_json(accept: str) -> bool:
    """Return True if an Accept header contains JSON and not HTML."""
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    return "application/json" in kinds and "text/html" not in kinds


def language_of(accept: str) -> str:
    """Return the first language of an Accept-Language header that Farthing supports; English if there is none."""
    tags = (part.partition(";")[0].strip().partition("-")[0].lower() for part in accept.split(","))
    return next((tag for tag in tags if tag in locales.LANGUAGES), locales.DEFAULT)


def _facts(base_url: str) -> dict[str, str]:
    text = locales.LANGUAGES[locales.DEFAULT].texts
    return {
        "name": "Farthing",
        "description": text["home.about"],
        "base_url": base_url,
        "key": text["home.key"],
        "openapi": "/openapi.json",
    }


def _page(base_url: str, language: str) -> str:
    texts = {
        "about": locales.text(language, "home.about"),
        "base": locales.text(language, "home.base"),
        "key": locales.text(language, "home.key"),
        "example": locales.text(language, "home.example"),
        "more": locales.text(language, "home.more"),
    }
    escaped = {name: html.escape(text) for name, text in texts.items()}
    return _PAGE.format(language=language, url=html.escape(base_url), **escaped)
