"""POST /v1/messages and /v1/messages/count_tokens: the family of Anthropic's Messages."""

import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from engine.catalog.token_counts import estimate
from engine.completion import Completion
from engine.errors import EngineError
from engine.tenancy import Charge, Tenant
from web.anthropic.message_encoder import MessageEncoder
from web.anthropic.message_files import MessageFileForm
from web.anthropic.message_request import ignored_fields, message_request
from web.anthropic.message_response import message_json
from web.anthropic.unsupported import check_supported
from web.auth import Caller
from web.errors import ErrorShape, HttpProblem, error_response
from web.pipeline.body import parse_body
from web.pipeline.family import Family, FamilyRequest, Origin, StreamEncoder
from web.pipeline.fields import Fields
from web.pipeline.files import RequestFiles

_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class MessagesFamily(Family):
    """Messages in Anthropic's shape."""

    files: RequestFiles = field(default_factory=RequestFiles)

    async def read(self, body: Mapping[str, Any], origin: Origin) -> FamilyRequest:
        async with self.counting(body, origin.tenant):
            return MessagesRequest(await self.with_files(body, origin.tenant_id), origin)

    def counting(
        self, body: Mapping[str, Any], tenant: Tenant, *, is_free: bool = False
    ) -> AbstractAsyncContextManager[None]:
        return self.files.counting(tenant, body.get("messages"), MessageFileForm.kind, is_free=is_free)

    async def with_files(self, body: Mapping[str, Any], tenant_id: int) -> Mapping[str, Any]:
        """Return the request with its files read. Raises BadRequest."""
        return {
            **body,
            "messages": await self.files.read(body.get("messages"), MessageFileForm(), "messages", tenant_id),
        }

    def problem(self, problem: HttpProblem, request_id: str) -> Response:
        return problem.response(ErrorShape.ANTHROPIC, request_id)


class MessagesRequest(FamilyRequest):
    """One request for a message. Raises BadRequest that names the wrong field, UnknownModel and HttpProblem."""

    def __init__(self, body: Mapping[str, Any], origin: Origin) -> None:
        check_supported(body)
        self.chat = message_request(body, id=origin.request_id, key_id=origin.caller.key_id)
        self.stream = Fields(body).boolean("stream") or False
        self.ignored = ignored_fields(body)

    def whole(self, completion: Completion, charge: Charge) -> bytes:
        return _dumps(message_json(self.chat.id, completion, charge, self.ignored)).encode(errors="replace")

    def encoder(self) -> StreamEncoder:
        return MessageEncoder(self.chat.id, estimate(self.chat, self.chat.model), self.ignored)


@dataclass(frozen=True, slots=True)
class TokenCount:
    """The endpoint that counts the input tokens of a message, by the estimate used for holds. It is free of charge."""

    family: MessagesFamily = field(default_factory=MessagesFamily)

    async def create(self, request: Request) -> Response:
        request_id: str = request.state.head.request_id
        try:
            caller: Caller = request.state.caller
            assert caller.tenant is not None
            body = parse_body(request.state.head.content_type, await request.body())
            async with self.family.counting(body, caller.tenant, is_free=True):
                body = await self.family.with_files(body, caller.tenant.id)
                chat = message_request(body, id=request_id, key_id=None, needs_limit=False)
        except (HttpProblem, EngineError) as error:
            return error_response(error, ErrorShape.ANTHROPIC, request_id)
        return JSONResponse({"input_tokens": estimate(chat, chat.model)}, headers={"x-request-id": request_id})
