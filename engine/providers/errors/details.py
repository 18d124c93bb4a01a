"""The facts of one provider's error, read from each dialect: status, classifying words, message, field."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.providers.errors.codes import OF_NUMBERS, WITHIN_STREAM

_STATUS = re.compile(r"[45]\d\d")
_CODE = re.compile(r"(?!(?:sk|pk|rk|org|proj|user|key|req|acct|cus)[-_])[A-Za-z](?:[A-Za-z_.-]|\d(?!\d{4})){0,47}")
"""A code that a tenant may read: a word, not an id or a part of a key."""
_STATUS_FIELDS = ("code", "http_code", "status_code", "statusCode", "status", "error_code")
_OF_MINIMAX = {  # the HTTP status that a code of MiniMax's `base_resp` corresponds to
    1001: 504, 1002: 429, 1004: 401, 1008: 402, 1026: 400, 1027: 400, 1039: 429, 1041: 429, 1042: 400, 2013: 400,
    2045: 429, 2049: 401, 2056: 429,
}  # fmt: skip
_EXCEPTION = re.compile(r"[A-Za-z]{0,60}[Ee]xception")
_MOST_FIELDS_OF_EXCEPTION = 8
_ERROR_FIELDS = frozenset(
    {"error", "err", "errors", "errormessage", "errormsg", "errorcode", "errortype", "exception", "fault", "detail"}
)
_STATE_FIELDS = ("type", "status", "event", "state", "result", "object", "level")
_FAILED = re.compile(r"(?:.*[._ -])?(?:error|failed|failure|fail|exception)", re.IGNORECASE)
_BESIDE_A_MESSAGE = frozenset({"message", "msg", "request_id", "requestid", "timestamp", "path", "trace_id"})
_FINE_TEXTS = frozenset({"0", "200", "ok", "success", "none", "null", "false"})
_MOST_FIELDS_OF_ERROR, _MOST_STATE_CHARS, _FIRST_BAD_STATUS = 16, 60, 400
_FORWARDED = "Provider returned error"
"""OpenRouter's own message; the message of the company that it asked is in `metadata.raw`."""
_MOST_RAW_CHARS = 10_000
_FINE = (None, 0, 200, "0", "200", "success")


@dataclass(frozen=True, slots=True)
class ErrorDetails:
    """One error. `words`: its code, type, status word and reasons, in lower case; `code`: the most exact one.

    `field`: the request field that the error names. `field` and `message` may quote a tenant. `body`: the error object.
    """

    status: int | None
    words: frozenset[str]
    message: str
    code: str
    field: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]

    def is_one_of(self, words: frozenset[str]) -> bool:
        return not self.words.isdisjoint(words)


def error_details(status: int | None, body: Any, headers: Mapping[str, str]) -> ErrorDetails:
    """Read an error's body. `status` None: the error came within a stream."""
    error, message = _error_of(body[0] if isinstance(body, list) and body else body)
    words = tuple(_words(error))
    if status is None:
        status = _status_within(error, words)
    code = next((word for word in words if _CODE.fullmatch(word) and not word.isdecimal()), "")
    lower = frozenset(word.lower() for word in words)
    return ErrorDetails(status, lower, message, code, _field_of(error), error, headers)


def reports_error(body: Mapping[str, Any]) -> bool:
    """Return whether a response of status 200 has an `error`: some servers send one of zeros beside each answer."""
    error = body.get("error")
    return any(error.values()) if isinstance(error, dict) else bool(error)


def reports_failure(body: Mapping[str, Any], event: str = "") -> bool:
    """Return whether a frame, or a response of status 200, reports a failure.

    vLLM has a flat object, MiniMax a `base_resp`, FastAPI a `detail`; GLM and others only a code and a message; AWS
    names an exception. `event`: the frame's name.
    """
    base = body.get("base_resp")
    if reports_error(body) or (event and (event == "error" or _EXCEPTION.fullmatch(event))):
        return True
    if body.get("object") == "error" or (isinstance(base, dict) and base.get("status_code") not in _FINE):
        return True
    if body.get("choices"):
        return False
    has_message = any(map(body.get, ("msg", "message", "error_msg")))
    has_code = any(body.get(name) not in _FINE for name in ("code", "statusCode", "error_code"))
    has_code = has_code or body.get("success") is False or bool(body.get("__type"))  # new-api, AWS
    return (has_message and has_code) or bool(_exception_in(body)) or _names_failure(body)


def failure_in(choice: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the part of a choice in OpenAI's shape that reports a failure; None if there is none."""
    parts = (choice, choice.get("delta"), choice.get("message"))
    return next((part for part in parts if isinstance(part, dict) and (_has_error(part) or reports_error(part))), None)


def _has_error(part: Mapping[str, Any]) -> bool:
    return any(part.get(name) not in _FINE and part.get(name) != "" for name in ("error_code", "error_message"))


def _names_failure(body: Mapping[str, Any]) -> bool:
    """Return whether a frame without choices is an error: by a field of that kind, by a state, or by its message alone.

    Frames of other kinds without choices, such as progress and heartbeats, have none of these.
    """
    if len(body) > _MOST_FIELDS_OF_ERROR:
        return False
    if any(name.replace("_", "").lower() in _ERROR_FIELDS and not _is_fine(value) for name, value in body.items()):
        return True
    states = (body.get(name) for name in _STATE_FIELDS)
    if any(isinstance(state, str) and len(state) <= _MOST_STATE_CHARS and _FAILED.fullmatch(state) for state in states):
        return True
    status = body.get("status")
    if isinstance(status, int) and not isinstance(status, bool) and status >= _FIRST_BAD_STATUS:
        return True
    return any(map(body.get, ("message", "msg"))) and _BESIDE_A_MESSAGE.issuperset(name.lower() for name in body)


def _is_fine(value: Any) -> bool:
    if isinstance(value, dict):
        return not any(value.values())
    return not value or (isinstance(value, str | int) and str(value).lower() in _FINE_TEXTS)


def in_exception(body: Mapping[str, Any], event: str = "") -> Mapping[str, Any]:
    """Return the error of a frame that names an exception of AWS: in its event, in a field, or as a field's name."""
    name = _exception_in(body) or (event if _EXCEPTION.fullmatch(event) else "")
    if not name or body.get("error"):
        return body
    inner = body.get(name)
    return {**(inner if isinstance(inner, dict) else body), "__type": name}


def _exception_in(body: Mapping[str, Any]) -> str:
    if len(body) > _MOST_FIELDS_OF_EXCEPTION:
        return ""
    named = (body.get(":exception-type"), *body)
    return next((name for name in named if isinstance(name, str) and _EXCEPTION.fullmatch(name)), "")


def _error_of(body: Any) -> tuple[Mapping[str, Any], str]:
    """Return the error object and its message."""
    if not isinstance(body, dict):
        return {}, body if isinstance(body, str) else ""
    groq = body.get("x_groq")
    minimax = body.get("base_resp")
    if isinstance(minimax, dict) and not body.get("error"):
        message = minimax.get("status_msg")
        return minimax, message if isinstance(message, str) else ""
    error = body.get("error") or (groq.get("error") if isinstance(groq, dict) else None) or _inner_error(body) or body
    if isinstance(error, list):
        error = next(iter(objects(error)), body)
    if isinstance(error, str):
        return body, error
    if isinstance(error, int) and not isinstance(error, bool):
        return {**body, "code": error}, ""
    if not isinstance(error, dict):
        return body, ""
    message = error.get("message") or error.get("error_message")
    if message == _FORWARDED:
        message = _forwarded_message(error.get("metadata")) or message
    return error, message if isinstance(message, str) else ""


def _inner_error(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the error object under another name than `error`; None if there is none."""
    if isinstance(response := body.get("response"), dict) and isinstance(response.get("error"), dict):
        return response["error"]  # type: ignore[no-any-return]
    found = (value for name, value in body.items() if name.lower() in {"error", "err", "fault", "exception"})
    return next((value for value in found if isinstance(value, dict)), None)


def _forwarded_message(metadata: Any) -> str:
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    if not isinstance(raw, str) or len(raw) > _MOST_RAW_CHARS:
        return ""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return raw
    return _error_of(found[0] if isinstance(found, list) and found else found)[1]


def _words(error: Mapping[str, Any]) -> Iterator[str]:
    """Yield the words by which the provider itself classifies the error, the most exact one first."""
    details = error.get("details")
    if isinstance(details, dict):  # Anthropic
        yield from texts(details, "error_code")
    for detail in objects(details):  # Gemini
        yield from texts(detail, "reason")
    metadata = error.get("metadata")
    if isinstance(metadata, dict):  # OpenRouter
        yield from texts(metadata, "error_type")
    for problem in _problems(error):  # FastAPI
        yield from texts(problem, "type")
    if not error.get("type") and (word := OF_NUMBERS.get(str(error.get("code")))):  # GLM, SiliconFlow
        yield word
    yield from texts(error, "code", "type", "status", "__type", "error_type")


def texts(found: Mapping[str, Any], *names: str) -> Iterator[str]:
    """Yield those values of the fields `names` that are texts and not empty."""
    return (value for name in names if isinstance(value := found.get(name), str) and value)


def objects(found: Any) -> list[dict[str, Any]]:
    """Return the objects in a list; none if `found` is not a list."""
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _field_of(error: Mapping[str, Any]) -> str:
    """Return the field that an error names: OpenAI's `param`, Gemini's field violation, FastAPI's location."""
    param = error.get("param")
    if isinstance(param, str):
        return param
    for detail in objects(error.get("details")):
        for violation in objects(detail.get("fieldViolations")):
            return str(violation.get("field") or "")
    for problem in _problems(error):
        path = problem.get("loc")
        return ".".join(str(part) for part in path if part != "body") if isinstance(path, list) else ""
    return ""


def _status_within(error: Mapping[str, Any], words: tuple[str, ...]) -> int | None:
    """Return the HTTP status that an error within a stream corresponds to; None: unknown."""
    for code in map(error.get, _STATUS_FIELDS):
        if isinstance(code, int | str) and _STATUS.fullmatch(str(code)):
            return int(code)
    if isinstance(code := error.get("status_code"), int):
        return _OF_MINIMAX.get(code, 500)
    found = (WITHIN_STREAM.get(name) for word in words for name in (word.lower(), word.lower().partition(".")[0]))
    return next((status for status in found if status is not None), None)


def _problems(error: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return FastAPI's list of wrong fields, which Mistral puts into its message."""
    message = error.get("message")
    return objects(message.get("detail") if isinstance(message, dict) else error.get("detail"))
