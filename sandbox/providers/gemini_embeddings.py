"""Gemini's batchEmbedContents and countTokens for its stand-in."""

from typing import Any, NoReturn

from sandbox.providers.embeddings import vector
from sandbox.providers.exchange import ReceivedCall, count
from sandbox.providers.refusals import Refusal, StandInRefused

MOST_REQUESTS = 100
DIMENSIONS = 3072
_REQUEST_FIELDS = frozenset({"model", "content", "taskType", "title", "outputDimensionality"})
_BATCH = "BatchEmbedContentsRequest"


def embedded(call: ReceivedCall) -> dict[str, Any]:
    """Return an embedding for each request, without usage. Raises StandInRefused as strictly as Gemini."""
    requests = call.body.get("requests")
    if "embed" not in call.model:
        message = f"models/{call.model} is not found for API version v1beta, or is not supported for embedContent."
        raise StandInRefused(Refusal(404, message, "NOT_FOUND"))
    if set(call.body) - {"requests"} or not isinstance(requests, list) or not requests:
        _refuse(f"* {_BATCH}.requests: requests is empty")
    if len(requests) > MOST_REQUESTS:
        _refuse(f"* {_BATCH}.requests: at most {MOST_REQUESTS} requests can be in one batch\n")
    return {"embeddings": [{"values": _values(each, call.model)} for each in requests]}


def counted(call: ReceivedCall) -> dict[str, Any]:
    contents = call.body.get("contents")
    if set(call.body) - {"contents"} or not isinstance(contents, list) or not contents:
        _refuse("* CountTokensRequest.contents: contents is not specified")
    return {"totalTokens": sum(count(_text(each)) for each in contents)}


def _values(request: Any, model: str) -> list[float]:
    if not isinstance(request, dict) or set(request) - _REQUEST_FIELDS:
        _refuse("Invalid JSON payload received. Unknown name in requests.")
    if request.get("model") != f"models/{model}":
        _refuse(f"* {_BATCH}.requests[0].model: the model must match that of the batch")
    dimensions = request.get("outputDimensionality", DIMENSIONS)
    if type(dimensions) is not int or not 1 <= dimensions <= DIMENSIONS:
        _refuse(f"Invalid output dimensionality: {dimensions}. Must be between 1 and {DIMENSIONS}.")
    return vector(_text(request.get("content")), dimensions)


def _text(content: Any) -> str:
    parts = content.get("parts") if isinstance(content, dict) else None
    if not isinstance(parts, list) or not all(isinstance(part, dict) and part.get("text") for part in parts):
        _refuse("* EmbedContentRequest.content: content contains an empty Part.")
    return "".join(str(part["text"]) for part in parts)


def _refuse(message: str) -> NoReturn:
    raise StandInRefused(Refusal(400, message, "INVALID_ARGUMENT"))
