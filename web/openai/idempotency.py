"""Idempotency-Key: the first answer is stored with its charge, and replayed for a day."""

import hashlib
import json
from dataclasses import dataclass

from starlette.responses import Response

from engine.attempt_record import Receipt
from engine.chat import Completion, Delta, Finished
from engine.gateway.question import Finisher
from engine.ports import CaptureStep, Clock
from engine.tenancy import Charge
from storage.database import leases
from storage.database.connection import Connection
from storage.database.database import Database
from storage.operations import idempotency
from web.errors import HttpProblem, bad_request
from web.openai import chat_response

MOST_KEY_CHARS = 255
IN_FLIGHT = HttpProblem(
    409,
    "A request with this Idempotency-Key is still being answered. Try again later.",
    code="idempotency_conflict",
)
OTHER_BODY = HttpProblem(
    422,
    "This Idempotency-Key was used with another body. Use a new key.",
    param="Idempotency-Key",
    code="idempotency_mismatch",
)


@dataclass(frozen=True, slots=True)
class ClaimedKey:
    """A key that this request is the first to use."""

    db: Database
    tenant_id: int
    key: str
    request_id: str
    created: int
    stream: bool

    def finisher(self) -> Finisher:
        """Return the step that stores the answer in the capture's own transaction: a charged answer is replayed."""

        def finish(completion: Completion, _: Receipt) -> CaptureStep:
            def store(conn: Connection, charge: Charge) -> None:
                body = _replay_body(self.request_id, self.created, completion, charge, stream=self.stream)
                headers = {
                    "content-type": "text/event-stream" if self.stream else "application/json",
                    "x-farthing-provider": completion.provider,
                    "x-farthing-model": chat_response.header_text(completion.model),
                }
                idempotency.finish(conn, self.tenant_id, self.key, self.request_id, 200, body, headers)

            return store

        return finish

    async def release(self) -> None:
        """Free the key: nothing was charged, so the next request with it is a first one."""
        await self.db.write(lambda conn: idempotency.drop(conn, self.tenant_id, self.key, self.request_id))


@dataclass(frozen=True, slots=True)
class IdempotencyKeys:
    """The keys that tenants have used within a day, and the answers stored under them."""

    db: Database
    clock: Clock
    lease_id: str

    async def claim(
        self, tenant_id: int, key: str, raw: bytes, request_id: str, *, created: int, stream: bool
    ) -> ClaimedKey | Response:
        """Return the claimed key, or the answer that is stored under it. Raises HttpProblem 400, 409 or 422."""
        if not 0 < len(key) <= MOST_KEY_CHARS:
            raise bad_request("Idempotency-Key", f"Idempotency-Key: must have 1 to {MOST_KEY_CHARS} characters.")
        digest = hashlib.sha256(raw).hexdigest()
        verdict = await self.db.write(lambda conn: self._begin(conn, tenant_id, key, digest, request_id))
        if isinstance(verdict, idempotency.Replay):
            return Response(verdict.body, verdict.status, {**verdict.headers, "idempotent-replayed": "true"})
        if isinstance(verdict, idempotency.InFlight):
            raise IN_FLIGHT.new()
        if isinstance(verdict, idempotency.Mismatch):
            raise OTHER_BODY.new()
        return ClaimedKey(self.db, tenant_id, key, request_id, created, stream)

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
