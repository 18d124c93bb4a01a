"""GET /app and what stands behind it: the page is anyone's to load, its data only a guest's."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from web.errors import not_found
from web.miniapp.access import Guest, guest, operator
from web.miniapp.account import AccountData
from web.miniapp.operator import OperatorData
from web.miniapp.schemas import AccountDataOut, OperatorOut
from web.schemas import KeyIn, NewKeyOut

PAGE = Path(__file__).parent / "page"
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
GUARDED = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self' https://telegram.org/js/telegram-web-app.js; style-src 'self'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors https://*.telegram.org"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
_PRIVATE = {"cache-control": "no-store"}
Who = Annotated[Guest, Depends(guest)]


def router(mine: AccountData, house: OperatorData) -> APIRouter:
    """The page's own files are read once."""
    routes = APIRouter(prefix="/app", tags=["mini app"])
    files = {path.name: path.read_bytes() for path in PAGE.iterdir() if path.suffix in KINDS}

    @routes.get("", summary="The Mini App's page, to be opened in Telegram", **_file("text/html"))
    async def page() -> Response:
        return _sent("index.html", files["index.html"])

    @routes.get("/page/{name}", summary="A file of the page", **_file("text/css", "text/javascript"))
    async def part(name: str) -> Response:
        if name not in files:
            raise not_found(f"There is no file {name}.")
        return _sent(name, files[name])

    @routes.get("/account", summary="One's own: account, spend of this period, keys, invoices")
    async def account(who: Who, response: Response) -> AccountDataOut:
        response.headers.update(_PRIVATE)
        return await mine.everything(who)

    @routes.post("/keys", status_code=201, summary="Make an API key; its secret is in this answer only")
    async def make_key(who: Who, asked: KeyIn, response: Response) -> NewKeyOut:
        response.headers.update(_PRIVATE)
        return await mine.make_key(who, asked)

    @routes.delete("/keys/{key_id}", status_code=204, summary="Revoke an API key, at once and for good")
    async def revoke_key(who: Who, key_id: str) -> Response:
        await mine.revoke_key(who, key_id)
        return Response(status_code=204)

    @routes.get("/invoices/{invoice_id}/pdf", summary="One of one's own invoices", **_file("application/pdf"))
    async def invoice(who: Who, invoice_id: str) -> Response:
        name, content = await mine.invoice_pdf(who, invoice_id)
        headers = {"content-disposition": f'attachment; filename="{name}.pdf"', **_PRIVATE}
        return Response(content, media_type="application/pdf", headers=headers)

    @routes.get("/house", summary="For operators: providers, this month's margin, incidents")
    async def all_of_it(_: Annotated[Guest, Depends(operator)], response: Response) -> OperatorOut:
        response.headers.update(_PRIVATE)
        return await house.everything()

    return routes


def _sent(name: str, content: bytes) -> Response:
    return Response(content, media_type=f"{KINDS[Path(name).suffix]}; charset=utf-8", headers=GUARDED)


def _file(*kinds: str) -> dict[str, Any]:
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}
    return {"response_class": Response, "responses": {200: {"content": content, "description": "The file"}}}
