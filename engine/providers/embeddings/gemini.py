"""Gemini's embeddings: batchEmbedContents, and countTokens if an answer reports no usage."""

from typing import Any

from engine.embeddings import EmbeddingCall, Embeddings
from engine.errors import CapabilityMissing, Garbled
from engine.providers.embeddings.vectors import checked, parsed, vector

METHOD, COUNT_METHOD = "batchEmbedContents", "countTokens"


def body(call: EmbeddingCall) -> dict[str, Any]:
    """Return one request for each text. Raises CapabilityMissing for token ids."""
    more = {} if call.dimensions is None else {"outputDimensionality": call.dimensions}
    return {"requests": [{"model": f"models/{call.model}", "content": each, **more} for each in _contents(call)]}


def count_body(call: EmbeddingCall) -> dict[str, Any]:
    return {"contents": _contents(call)}


def read(answer: bytes, call: EmbeddingCall) -> Embeddings:
    """Return the vectors, and the tokens if they are reported. Raises Garbled."""
    data = parsed(answer)
    rows = data.get("embeddings")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Garbled("an answer without embeddings")
    vectors = checked([vector(row.get("values")) for row in rows], call)
    usage = data.get("usageMetadata")
    return Embeddings(vectors, _positive(usage.get("promptTokenCount")) if isinstance(usage, dict) else None)


def read_count(answer: bytes) -> int | None:
    """Return the token count in an answer of countTokens; None if it has none. Raises Garbled."""
    return _positive(parsed(answer).get("totalTokens"))


def _contents(call: EmbeddingCall) -> list[dict[str, Any]]:
    texts = [each for each in call.inputs if isinstance(each, str)]
    if len(texts) < len(call.inputs):
        raise CapabilityMissing("takes texts only")
    return [{"parts": [{"text": text}]} for text in texts]


def _positive(count: Any) -> int | None:
    return count if type(count) is int and count > 0 else None
