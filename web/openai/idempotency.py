"""Idempotency-Key: the first answer is kept with its charge and given again for a day."""

import hashlib
import json
import time
from dataclasses import dataclass
from string import punctuation
from typing import TypeAlias
from urllib.parse import quote

from starlette.responses import Response

from engine.attempt_record import Receipt
from engine.chat import ChatRequest, Completion, Delta, Finished
from engine.gateway.answer import Finisher
from engine.ports import CaptureStep, Clock
from engine.tenancy import Charge
from storage.database import leases
from storage.database.connection import Connection
from storage.database.database import Database
from storage.operations import idempotency
from web.auth import Caller
from web.errors import HttpProblem, bad_request
from web.openai import chat_response

MOST_KEY_CHARS = 255
IN_FLIGHT = HttpProblem(
    409, "The first call with this Idempotency-Key is still being answered.", code="idempotency_conflict"
)
OTHER_BODY = HttpProblem(
    422,
    "This Idempotency-Key was used with another body.",
    param="Idempotency-Key",
    code="idempotency_mismatch",
)


@dataclass(frozen=True, slots=True)
class Slot:
    """One call's place under its key; without a key, nothing is kept."""

    keeper: "StoredReplies"
    tenant_id: int
    key: str | None
    request_id: str
    stream: bool
    created: int

    def finisher(self, asked: ChatRequest) -> Finisher | None:
        """Keeps the answer in the capture's own transaction: what was paid for can be had again."""
        if self.key is None:
            return None
        key = self.key

        def finish(completion: Completion, _: Receipt) -> CaptureStep:
            def also(conn: Connection, charge: Charge) -> None:
                body = _replay_body(asked.id, self.created, completion, charge, stream=self.stream)
                headers = {
                    "content-type": "text/event-stream" if self.stream else "application/json",
                    "x-farthing-provider": completion.provider,
                    "x-farthing-model": header_text(completion.model),
                }
                idempotency.finish(conn, self.tenant_id, key, self.request_id, 200, body, headers)

            return also

        return finish

    async def release(self) -> None:
        """Nothing was charged: the next call under this key is a first one."""
        if self.key is not None:
            mine = (self.tenant_id, self.key, self.request_id)
            await self.keeper.db.write(lambda conn: idempotency.drop(conn, *mine))


Opened: TypeAlias = Slot | Response


@dataclass(frozen=True, slots=True)
class StoredReplies:
    db: Database
    clock: Clock
    lease_id: str

    async def open(self, caller: Caller, key: str | None, raw: bytes, request_id: str, *, stream: bool) -> Opened:
        """A slot to answer in, or the answer that was given before. Raises HttpProblem 409 or 422."""
        assert caller.tenant is not None
        tenant_id, created = caller.tenant.id, int(time.time())
        if key is None:
            return Slot(self, tenant_id, None, request_id, stream, created)
        if not 0 < len(key) <= MOST_KEY_CHARS:
            raise bad_request("Idempotency-Key", f"Idempotency-Key: at most {MOST_KEY_CHARS} characters.")
        digest = hashlib.sha256(raw).hexdigest()
        verdict = await self.db.write(lambda conn: self._begin(conn, tenant_id, key, digest, request_id))
        if isinstance(verdict, idempotency.Replay):
            return Response(verdict.body, verdict.status, {**verdict.headers, "idempotent-replayed": "true"})
        if isinstance(verdict, idempotency.InFlight):
            raise IN_FLIGHT
        if isinstance(verdict, idempotency.Mismatch):
            raise OTHER_BODY
        return Slot(self, tenant_id, key, request_id, stream, created)

    def _begin(self, conn: Connection, tenant_id: int, key: str, digest: str, request_id: str) -> idempotency.Verdict:
        now = self.clock.now()
        holder = idempotency.holder(conn, tenant_id, key)
        gone = holder is not None and leases.dead(conn, now, self.lease_id)(holder)
        return idempotency.begin(
            conn,
            tenant_id,
            key,
            body_sha256=digest,
            lease_id=self.lease_id,
            holder_is_dead=gone,
            request_id=request_id,
            now=now,
        )


def header_text(name: str) -> str:
    """A server of one's own takes any name for a model: what no header can carry is percent-encoded."""
    return quote(name, safe=punctuation.replace("%", ""))


def _replay_body(request_id: str, created: int, completion: Completion, charge: Charge, *, stream: bool) -> str:
    if not stream:
        return chat_response.sendable(chat_response.completion_json(request_id, created, completion, charge)).decode()
    frames = [
        chat_response.chunk_json(request_id, created, completion.model, event, start=not number)
        for number, event in enumerate(_events(completion))
    ]
    frames.append(chat_response.usage_chunk_json(request_id, created, completion.model, completion.usage, charge))
    return "".join(f"data: {json.dumps(frame)}\n\n" for frame in frames) + "data: [DONE]\n\n"


def _events(completion: Completion) -> list[Delta | Finished]:
    events: list[Delta | Finished] = []
    for index, choice in enumerate(completion.choices):
        calls = tuple(chat_response.whole_call(number, call) for number, call in enumerate(choice.tool_calls))
        events.append(Delta(choice.text, index, calls))
        if choice.finish is not None:
            events.append(Finished(choice.finish, index))
    return events
