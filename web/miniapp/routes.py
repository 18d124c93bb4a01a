"""GET /app and its data. The page is public; its data requires a signed user."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Response

import locales
from web.errors import not_found
from web.key_schemas import KeyIn, NewKeyOut
from web.miniapp.access import MiniAppUser, current_operator, current_user
from web.miniapp.account import AccountPages
from web.miniapp.answers import PRIVATE, app_errors
from web.miniapp.operator import OperatorPages
from web.miniapp.schemas import AccountDataOut, OperatorOut
from web.openapi_parts import BODY_ERRORS, errors, file

PAGE = Path(__file__).parent / "page"
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
POLICY = (
    "default-src 'none'; script-src 'self' https://telegram.org/js/telegram-web-app.js; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors https://*.telegram.org"
)
GUARDED = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
User = Annotated[MiniAppUser, Depends(current_user)]


def router(account_pages: AccountPages, operator_pages: OperatorPages, frames: Collection[str] = ()) -> APIRouter:
    """Return the routes. The page's files are read once, at this call.

    `frames`: further sites that may show the page.
    """
    guarded = {**GUARDED, "content-security-policy": " ".join([POLICY, *frames])}
    routes = APIRouter(prefix="/app", tags=["mini app"])
    files = {path.name: path.read_bytes() for path in PAGE.iterdir() if path.suffix in KINDS}
    files["texts.js"] = _texts()

    @routes.get(
        "", summary="The Mini App's page, opened in Telegram", response_class=Response, responses=file("text/html")
    )
    async def page() -> Response:
        return _page_file("index.html", files["index.html"], guarded)

    @routes.get(
        "/page/{name}",
        summary="A file of the page",
        response_class=Response,
        responses=file("text/css", "text/javascript") | errors(404),
    )
    async def part(name: str) -> Response:
        if name not in files:
            raise not_found(f"There is no file {name}.")
        return _page_file(name, files[name], guarded)

    @routes.get("/account", summary="Your account, usage of this period, keys and invoices", responses=app_errors())
    async def account(user: User, response: Response) -> AccountDataOut:
        response.headers.update(PRIVATE)
        return await account_pages.read(user)

    @routes.post(
        "/keys",
        status_code=201,
        summary="Make an API key; only this answer contains its secret",
        responses=app_errors(*BODY_ERRORS, 409, 429),
    )
    async def make_key(user: User, asked: KeyIn, response: Response) -> NewKeyOut:
        response.headers.update(PRIVATE)
        return await account_pages.make_key(user, asked)

    @routes.post(
        "/keys/{key_id}/rotate",
        summary="Replace an API key's secret; the old one is refused at once",
        responses=app_errors(404),
    )
    async def rotate_key(user: User, key_id: str, response: Response) -> NewKeyOut:
        response.headers.update(PRIVATE)
        return await account_pages.rotate_key(user, key_id)

    @routes.delete(
        "/keys/{key_id}", status_code=204, summary="Revoke an API key at once, permanently", responses=app_errors(404)
    )
    async def revoke_key(user: User, key_id: str) -> Response:
        await account_pages.revoke_key(user, key_id)
        return Response(status_code=204)

    @routes.get(
        "/invoices/{invoice_id}/pdf",
        summary="One of your invoices as PDF",
        response_class=Response,
        responses=file("application/pdf") | app_errors(404),
    )
    async def invoice(user: User, invoice_id: str) -> Response:
        name, content = await account_pages.invoice_pdf(user, invoice_id)
        headers = {"content-disposition": f'attachment; filename="{name}.pdf"', **PRIVATE}
        return Response(content, media_type="application/pdf", headers=headers)

    @routes.get("/house", summary="For operators: providers, this month's margin, incidents", responses=app_errors(404))
    async def operator(user: Annotated[MiniAppUser, Depends(current_operator)], response: Response) -> OperatorOut:
        response.headers.update(PRIVATE)
        return await operator_pages.read(user)

    return routes


def _texts() -> bytes:
    """Return the texts of every language as a JavaScript module."""
    texts = {code: dict(language.miniapp) for code, language in locales.LANGUAGES.items()}
    return f"export const TEXTS = {json.dumps(texts, ensure_ascii=False)};\n".encode()


def _page_file(name: str, content: bytes, headers: Mapping[str, str]) -> Response:
    return Response(content, media_type=f"{KINDS[Path(name).suffix]}; charset=utf-8", headers=headers)
