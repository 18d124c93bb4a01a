"""POST /v1/responses: the family of OpenAI's responses; and the counting of a request's tokens."""

import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from engine.attempt_record import Receipt
from engine.catalog.token_counts import estimate
from engine.completion import Completion
from engine.errors import BadRequest
from engine.ports import CaptureStep, Clock
from engine.tenancy import Charge, Tenant
from storage.database.connection import Connection
from storage.database.database import Database
from storage.tenants import stored_responses
from storage.tenants.stored_responses import MOST_TURNS, Item, StoredResponse
from web.auth import Caller
from web.errors import HttpProblem
from web.openai.chat_response import sendable
from web.openai.responses import response_object
from web.openai.responses.encoder import ResponseEncoder
from web.openai.responses.files import ResponseFileForm
from web.openai.responses.item_settings import with_item_settings
from web.openai.responses.items import items_of, messages_of, provider_items, references_of, with_referenced
from web.openai.responses.request import ignored_fields, response_request
from web.openai.responses.response_object import ItemForm
from web.pipeline.blocks import split
from web.pipeline.body import parse_body
from web.pipeline.endpoint import answered
from web.pipeline.family import Family, FamilyRequest, Origin, StreamEncoder
from web.pipeline.fields import Fields
from web.pipeline.files import RequestFiles


@dataclass(frozen=True, slots=True)
class ResponsesFamily(Family):
    """Responses in OpenAI's shape; a stored response can be continued by its id."""

    db: Database
    clock: Clock
    files: RequestFiles = field(default_factory=RequestFiles)

    async def read(self, body: Mapping[str, Any], origin: Origin) -> FamilyRequest:
        async with self.counting(body, origin.tenant):
            history, items = await self.conversation(body, origin.tenant_id)
            return ResponsesRequest(body, origin, history, items, self.clock.now())

    def counting(
        self, body: Mapping[str, Any], tenant: Tenant, *, is_free: bool = False
    ) -> AbstractAsyncContextManager[None]:
        return self.files.counting(tenant, body.get("input"), ResponseFileForm.kind, is_free=is_free)

    async def conversation(self, body: Mapping[str, Any], tenant_id: int) -> tuple[list[Item], list[Item]]:
        """Return the items before the request, and its own items. Raises BadRequest or HttpProblem."""
        given = await self.files.read(items_of(body.get("input")), ResponseFileForm(), "input", tenant_id)
        items = await self._resolved(tenant_id, given)
        previous = Fields(body).optional_text("previous_response_id")
        return (await self._history(tenant_id, previous) if previous else []), items

    def problem(self, problem: HttpProblem, request_id: str) -> Response:  # noqa: ARG002 - not in this shape
        return problem.response()

    async def _resolved(self, tenant_id: int, items: list[Item]) -> list[Item]:
        """Return the input with references replaced by their items. Raises HttpProblem if one is not stored."""
        references = references_of(items)
        if not references:
            return items
        ids = {response_object.response_of_item(each) for each in references}
        if len(ids) > MOST_TURNS:
            raise BadRequest("input", f"must refer to the items of at most {MOST_TURNS} responses")
        responses = await self.db.read(lambda conn: [stored_responses.load(conn, tenant_id, each) for each in ids])
        outputs = (item for response in responses if response for item in response.output)
        found = {item["id"]: response_object.without_pieces(item) for item in outputs}
        for reference in references:
            if reference not in found:
                text = f"Item with id {json.dumps(reference[:100])} not found: it was not stored, or has been deleted."
                raise HttpProblem(404, text, code="not_found", param="input")
        return with_referenced(items, found)

    async def _history(self, tenant_id: int, previous: str) -> list[Item]:
        found = await self.db.read(lambda conn: stored_responses.history(conn, tenant_id, previous))
        if found is None:
            raise HttpProblem(
                400,
                f"Previous response with id '{previous[:100]}' not found: it was not stored, or has been deleted.",
                code="previous_response_not_found",
                param="previous_response_id",
            )
        return found


class ResponsesRequest(FamilyRequest):
    """One request for a response. `history`: the items of the conversation before it; `items`: its own input."""

    def __init__(
        self, body: Mapping[str, Any], origin: Origin, history: list[Item], items: list[Item], now: datetime
    ) -> None:
        messages = messages_of([*history, *items], len(history))
        asked = with_item_settings(body, [*history, *items], len(history))
        self.chat = response_request(asked, messages, id=origin.request_id, key_id=origin.caller.key_id)
        left_out = (f"input.{kind}" for kind in provider_items(items))
        self.ignored = (*ignored_fields(asked), *left_out)
        fields = Fields(body)
        self.stream = fields.boolean("stream") or False
        is_stored = fields.boolean("store") is not False
        self.finish = self._finish if is_stored else None
        self._tenant_id, self._items, self._now = origin.tenant_id, items, now
        self._previous_id = body.get("previous_response_id")
        self._form = ItemForm.asked_in(asked)
        self._begun = response_object.begun_json(
            origin.request_id, origin.created, self.chat.model, body, stored=is_stored
        )

    def whole(self, completion: Completion, charge: Charge) -> bytes:
        return sendable(self._ended(completion, charge))

    def encoder(self) -> StreamEncoder:
        return ResponseEncoder(self.chat.id, self._begun, self.ignored, self._form)

    async def _finish(self, completion: Completion, _: Receipt) -> CaptureStep:
        """Return the step that stores a complete answer; one that its reader left is not stored."""

        def store(conn: Connection, charge: Charge) -> None:
            if completion.stopped:
                return
            ended = self._ended(completion, charge)
            response = StoredResponse(
                ended["id"],
                self._tenant_id,
                self._previous_id,
                self._items,
                response_object.stored_items_json(self.chat.id, completion, self._form),
                sendable(ended).decode(),
            )
            stored_responses.store(conn, response, self._now)

        return store

    def _ended(self, completion: Completion, charge: Charge) -> dict[str, Any]:
        is_cut = response_object.is_cut(completion)
        output = response_object.items_json(self.chat.id, split(completion.events), self._form, is_cut=is_cut)
        return response_object.ended_json(self._begun, output, completion, charge, self.ignored)


@dataclass(frozen=True, slots=True)
class InputTokens:
    """The endpoint that counts the input tokens of a response, by the estimate used for holds. It is free of charge."""

    family: ResponsesFamily

    async def create(self, request: Request) -> Response:
        return await answered(request, self._respond, self.family.problem)

    async def _respond(self, request: Request, request_id: str) -> Response:
        caller: Caller = request.state.caller
        assert caller.tenant is not None
        body = {"model": "auto", "input": [], **parse_body(request.state.head.content_type, await request.body())}
        async with self.family.counting(body, caller.tenant, is_free=True):
            history, items = await self.family.conversation(body, caller.tenant.id)
            messages = messages_of([*history, *items], len(history))
            asked = with_item_settings(body, [*history, *items], len(history))
            chat = response_request(asked, messages, id=request_id, key_id=None)
        return JSONResponse({"object": "response.input_tokens", "input_tokens": estimate(chat, chat.model)})
