"""StoredResponses: the routes of /v1/responses/{response_id}."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from storage.database.database import Database
from storage.tenants import stored_responses
from storage.tenants.stored_responses import Item, StoredResponse
from web.auth import Caller
from web.errors import HttpProblem, bad_request, not_found
from web.openai.custom_tools import arguments_of
from web.openai.responses import response_object
from web.openai.responses.client_tools import forms_of_calls, function_name, native_call
from web.openai.responses.encoder import ResponseEncoder
from web.openai.responses.item_page import ItemPage
from web.openai.responses.response_object import PIECES, REDACTED_MARK, SIGNATURE_MARK, ItemForm
from web.pipeline.blocks import Begun, Block, BlockKind, Ended, Piece

_NOT_IN_BACKGROUND = HttpProblem(
    409,
    "Cannot cancel a synchronous response: it has ended.",
    code="response_not_in_background",
    more_headers={"x-should-retry": "false"},  # OpenAI's clients repeat a 409 without it
)
_FLAGS = {"true": True, "false": False}
_MOST_NUMBER_CHARS = 9


@dataclass(frozen=True, slots=True)
class StoredResponses:
    """GET and DELETE of a stored response, GET of its input, and POST to cancel it, which is always too late."""

    db: Database

    async def read(self, request: Request) -> Response:
        """Return the response as it was first sent; with `stream`, its events after number `starting_after`."""
        is_streamed, after = _streamed(request)
        found = await self._load(request)
        if not is_streamed:
            return Response(found.body, media_type="application/json")
        sent = b"".join([event for number, event in enumerate(events_of(found)) if number > after])
        return Response(sent, media_type="text/event-stream", headers={"cache-control": "no-cache"})

    async def cancel(self, request: Request) -> Response:
        await self._load(request)
        raise _NOT_IN_BACKGROUND.new()

    async def input_items(self, request: Request) -> Response:
        """Return the input as a list in OpenAI's shape, page by page."""
        page = ItemPage.asked_in(request.query_params)
        found = await self._load(request)
        items = [response_object.input_item_json(item, f"{found.id}_in_{n}") for n, item in enumerate(found.input)]
        return JSONResponse(page.of(items))

    async def delete(self, request: Request) -> Response:
        tenant_id, id_ = _asked(request)
        if not await self.db.write(lambda conn: stored_responses.delete(conn, tenant_id, id_)):
            return _missing(id_).response()
        return JSONResponse({"id": id_, "object": "response", "deleted": True})

    async def _load(self, request: Request) -> StoredResponse:
        tenant_id, id_ = _asked(request)
        found = await self.db.read(lambda conn: stored_responses.load(conn, tenant_id, id_))
        if found is None:
            raise _missing(id_)
        return found


def _asked(request: Request) -> tuple[int, str]:
    caller: Caller = request.state.caller
    assert caller.tenant is not None
    return caller.tenant.id, request.path_params["response_id"]


def _missing(id_: str) -> HttpProblem:
    return not_found(f"Response with id {json.dumps(id_[:100])} not found: it was not stored, or has been deleted.")


def _streamed(request: Request) -> tuple[bool, int]:
    """Return whether events are requested, and the number of the last one that the client has."""
    is_streamed = _FLAGS.get(request.query_params.get("stream", "false").lower())
    if is_streamed is None:
        raise bad_request("stream", "stream: must be true or false")
    after = request.query_params.get("starting_after")
    if after is None:
        return is_streamed, -1
    if not (after.isascii() and after.isdecimal() and len(after) <= _MOST_NUMBER_CHARS):
        raise bad_request("starting_after", "starting_after: must be the sequence_number of an event")
    return is_streamed, int(after)


def events_of(stored: StoredResponse) -> Iterator[bytes]:
    """Yield the events of a stored response, equal to those of its stream."""
    body: dict[str, Any] = json.loads(stored.body)
    is_sealed = any("encrypted_content" in item for item in body["output"])
    form = ItemForm(bool(body["reasoning"]["summary"]), is_sealed, forms_of_calls(stored.output))
    unset: dict[str, Any] = {"status": "in_progress", "incomplete_details": None, "output": [], "usage": None}
    begun = {name: unset.get(name, value) for name, value in body.items() if name != "farthing"}
    encoder = ResponseEncoder(stored.id.removeprefix("resp_"), begun, form=form)
    created, progress, _ = encoder.begin("", "").split(b"\n\n")
    yield from (created + b"\n\n", progress + b"\n\n")
    for place, item in enumerate(stored.output):
        for sent in _changes_of(encoder, item, place):
            yield from (event + b"\n\n" for event in sent.split(b"\n\n")[:-1])
    yield encoder.ended(body)


def _changes_of(encoder: ResponseEncoder, item: Item, place: int) -> Iterator[bytes]:
    whole = _block(item, place)
    block = Block(whole.kind, place, whole.call_id, whole.name, signature=whole.signature)
    yield encoder.change(Begun(block))
    for piece in whole.pieces:
        block.pieces.append(piece)
        yield encoder.change(Piece(block, piece))
    yield encoder.change(Ended(block), is_cut=item["status"] == "incomplete")


def _block(item: Item, place: int) -> Block:
    """Return a stored item as its original block."""
    if (native := native_call(item)) is not None:
        return Block(BlockKind.CALL, place, item["call_id"], native[0], pieces=[native[1]])
    if "call_id" in item:
        is_custom = "input" in item
        pieces = [arguments_of(item["input"])] if is_custom else _pieces(item["arguments"], item)
        name = function_name(item["name"], item.get("namespace"))
        return Block(BlockKind.CALL, place, item["call_id"], name, pieces=pieces)
    parts = item["content"]
    if item["type"] == "reasoning":
        sealed = item.get("encrypted_content", "")
        if sealed.startswith(REDACTED_MARK):
            return Block(BlockKind.REDACTED, place, signature=sealed.removeprefix(REDACTED_MARK))
        pieces, signature = _pieces(parts[0]["text"] if parts else "", item), sealed.removeprefix(SIGNATURE_MARK)
        return Block(BlockKind.THINKING, place, signature=signature, pieces=pieces)
    if parts and parts[0]["type"] == "refusal":
        return Block(BlockKind.REFUSAL, place, pieces=_pieces(parts[0]["refusal"], item))
    return Block(BlockKind.TEXT, place, pieces=_pieces(parts[0]["text"] if parts else "", item))


def _pieces(text: str, item: Item) -> list[str]:
    """Return the pieces in which a text was sent; if they are unknown, the whole text as one piece."""
    found, begin = list[str](), 0
    for size in item.get(PIECES, ()):
        found.append(text[begin : begin + size])
        begin += size
    return [piece for piece in (*found, text[begin:]) if piece]
