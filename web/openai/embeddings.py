"""POST /v1/embeddings: texts as vectors, in OpenAI's shape."""

import asyncio
import sys
from array import array
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from engine.embeddings import EmbeddingInput, EmbeddingRequest, Vector
from engine.errors import BadRequest
from engine.gateway.embeddings.run import Embedded
from engine.money import NANO_PER_USD
from engine.ports import CaptureStep
from engine.tenancy import Charge
from storage.database.connection import Connection
from web.auth import Caller
from web.openai.chat_request import model_name
from web.openai.chat_response import dumps
from web.pipeline.body import parse_body
from web.pipeline.endpoint import Prompting, answered, served_by
from web.pipeline.fields import Fields
from web.pipeline.idempotency import ClaimedKey
from web.pipeline.unserved import Unserved, unserved_fields

MOST_INPUTS, MOST_TOKENS, MOST_DIMENSIONS = 2048, 300_000, 100_000
_MOST_TOKEN_ID = 2**31 - 1
_NUMBERS_AT_ONCE = 20_000  # encoded before other requests get their turn: takes some milliseconds
_UNSERVED: Unserved = {
    "input_type": (),
    "output_dtype": ("float",),
    "task_type": (),
    "title": (),
    "truncate": (),
    "truncate_prompt_tokens": (),
    "provider": ({},),
}
_SALT = b"embeddings\n"
_EXPECTED = f"a string, or a list of 1 to {MOST_INPUTS:,} strings, or token ids, or lists of token ids; none empty"


@dataclass(frozen=True, slots=True)
class EmbeddingsEndpoint:
    """The endpoint. A client that disconnects is charged, because the vectors exist before the first byte is sent."""

    prompting: Prompting

    async def create(self, request: Request) -> Response:
        return await answered(request, self._respond, lambda problem, _: problem.response())

    async def _respond(self, request: Request, request_id: str) -> Response:
        caller: Caller = request.state.caller
        assert caller.tenant is not None
        raw = await request.body()
        body = parse_body(request.state.head.content_type, raw)
        asked = embedding_request(body, id=request_id, key_id=caller.key_id)
        key, claimed = request.headers.get("idempotency-key"), None
        if key is not None:
            found = await self.prompting.idempotency_keys.claim(caller.tenant.id, key, _SALT + raw, request_id)
            if isinstance(found, Response):
                return found
            claimed = found
        answer = _Answer(asked, claimed, unserved_fields(body, _UNSERVED))
        try:
            embedded, charge = await self.prompting.gateway.embed(caller.tenant, asked, answer.finish)
        except BaseException:
            if claimed is not None:
                await claimed.release()
            raise
        return Response(answer.body(embedded, charge), headers=answer.headers(embedded))


@dataclass(slots=True)
class _Answer:
    """The answer's body. Its rows are encoded before the capture, because that takes long, its usage during it."""

    asked: EmbeddingRequest
    claimed: ClaimedKey | None
    ignored: tuple[str, ...] = ()
    _rows: bytes = b""

    async def finish(self, embedded: Embedded) -> CaptureStep:
        self._rows = await encoded_rows(embedded.vectors, as_floats=self.asked.as_floats)

        def store(conn: Connection, charge: Charge) -> None:
            if self.claimed is not None:
                self.claimed.store(conn, self.body(embedded, charge), self.headers(embedded))

        return store

    def body(self, embedded: Embedded, charge: Charge) -> bytes:
        tokens = embedded.usage.input_tokens
        rest = {
            "model": embedded.offer.model,
            "usage": {
                "prompt_tokens": tokens,
                "total_tokens": tokens,
                "cost": charge.wallet.nanousd / NANO_PER_USD,
                "allowance_tokens": charge.allowance_tokens,
            },
            "farthing": {
                "provider": embedded.offer.provider,
                "model": embedded.offer.model,
                "ignored": list(self.ignored),
            },
        }
        return b'{"object":"list","data":[' + self._rows + b"]," + dumps(rest)[1:].encode(errors="replace")

    def headers(self, embedded: Embedded) -> dict[str, str]:
        served = served_by(embedded.offer.provider, embedded.offer.model, self.ignored)
        return {"content-type": "application/json", **served}


def embedding_request(body: Mapping[str, Any], *, id: str, key_id: int | None = None) -> EmbeddingRequest:  # noqa: A002
    """Read a request; unknown fields are ignored. Raises UnknownModel, and BadRequest that names the wrong field."""
    fields = Fields(body)
    return EmbeddingRequest(
        id=id,
        model=model_name(fields),
        inputs=_inputs(body.get("input")),
        dimensions=fields.integer("dimensions", 1, MOST_DIMENSIONS),
        as_floats=fields.choice("encoding_format", ("float", "base64")) != "base64",
        key_id=key_id,
    )


async def encoded_rows(vectors: Sequence[Vector], *, as_floats: bool) -> bytes:
    """Return the rows of `data`. Between parts of them, other tasks can run."""
    rows: list[str] = []
    numbers = 0
    for index, vector in enumerate(vectors):
        values = dumps(vector.tolist()) if as_floats else f'"{_base64(vector)}"'
        rows.append(f'{{"object":"embedding","index":{index},"embedding":{values}}}')
        numbers += len(vector)
        if numbers >= _NUMBERS_AT_ONCE:
            numbers = 0
            await asyncio.sleep(0)
    return ",".join(rows).encode()


def _base64(vector: Vector) -> str:
    """Return the numbers as base64 of little-endian 32-bit floats, the form that OpenAI's clients read."""
    numbers = array("f", vector)
    if sys.byteorder == "big":
        numbers.byteswap()
    return b64encode(numbers.tobytes()).decode()


def _inputs(found: Any) -> tuple[EmbeddingInput, ...]:
    """Return the texts or token lists. Raises BadRequest."""
    inputs = [found] if isinstance(found, str) or _is_token_list(found) else found
    if not isinstance(inputs, list) or not 0 < len(inputs) <= MOST_INPUTS:
        raise BadRequest("input", f"must be {_EXPECTED}")
    if all(isinstance(each, str) and each for each in inputs):
        return tuple(inputs)
    if not all(_is_token_list(each) for each in inputs):
        raise BadRequest("input", f"must be {_EXPECTED}")
    if sum(map(len, inputs)) > MOST_TOKENS:
        raise BadRequest("input", f"must have at most {MOST_TOKENS:,} tokens in all")
    return tuple(tuple(map(int, each)) for each in inputs)


def _is_token_list(found: Any) -> bool:
    if not isinstance(found, list) or not found:
        return False
    return all(type(each) in {int, float} and 0 <= each <= _MOST_TOKEN_ID and each == int(each) for each in found)
