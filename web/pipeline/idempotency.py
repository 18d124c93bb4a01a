"""Idempotency-Key: the first answer is stored with its charge, and replayed for a day."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from engine.ports import Clock
from storage.database import leases
from storage.database.connection import Connection
from storage.database.database import Database
from storage.operations import idempotency
from web.errors import HttpProblem, bad_request

MOST_KEY_CHARS = 255
MOST_STORED_BYTES = 4_000_000
_JSON = {"content-type": "application/json"}
TOO_LARGE = HttpProblem(
    409,
    f"The answer under this Idempotency-Key was given and charged once, but is over {MOST_STORED_BYTES:,} bytes, so it "
    "was not kept. To have it again, send the request with a new key: it is charged again.",
    code="idempotency_answer_too_large",
)
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
    """An Idempotency-Key that this request is the first to use."""

    db: Database
    tenant_id: int
    key: str
    request_id: str

    def store(self, conn: Connection, body: bytes, headers: Mapping[str, str]) -> None:
        """Store the answer in the transaction of the capture, so that every charged answer can be replayed.

        A large answer, such as the vectors of many texts, is not stored: repeating its request returns an error that
        says so.
        """
        status, kept = 200, dict(headers)
        if len(body) > MOST_STORED_BYTES:
            status, body, kept = TOO_LARGE.status, json.dumps(TOO_LARGE.body()).encode(), _JSON
        idempotency.finish(conn, self.tenant_id, self.key, self.request_id, status, body.decode(), kept)

    async def release(self) -> None:
        """Free the key: nothing was charged, so the next request with the key counts as the first one."""
        await self.db.write(lambda conn: idempotency.drop(conn, self.tenant_id, self.key, self.request_id))


@dataclass(frozen=True, slots=True)
class IdempotencyKeys:
    """The keys that tenants have used within a day, and the answers stored for them."""

    db: Database
    clock: Clock
    lease_id: str

    async def claim(self, tenant_id: int, key: str, asked: bytes, request_id: str) -> ClaimedKey | Response:
        """Return the claimed key, or the answer stored for it. `asked`: the request's bytes, to detect another request.

        Raises HttpProblem 400, 409 or 422.
        """
        if not 0 < len(key) <= MOST_KEY_CHARS:
            raise bad_request("Idempotency-Key", f"Idempotency-Key: must have 1 to {MOST_KEY_CHARS} characters.")
        digest = hashlib.sha256(asked).hexdigest()
        verdict = await self.db.write(lambda conn: self._begin(conn, tenant_id, key, digest, request_id))
        if isinstance(verdict, idempotency.Replay):
            return Response(verdict.body, verdict.status, {**verdict.headers, "idempotent-replayed": "true"})
        if isinstance(verdict, idempotency.InFlight):
            raise IN_FLIGHT.new()
        if isinstance(verdict, idempotency.Mismatch):
            raise OTHER_BODY.new()
        return ClaimedKey(self.db, tenant_id, key, request_id)

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
