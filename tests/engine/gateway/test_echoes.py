"""Texts of tenants that providers quote in errors: they affect only the request that they came with."""

import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.catalog.offers import Offer
from engine.chat import Options, Tool
from engine.errors import AnswerCut, NoProvider, RequestRejected
from engine.providers.dialects.adapter import ProviderAdapter
from engine.providers.mending.model_memory import ModelMemory
from engine.providers.registry import build, specs
from engine.providers.spec import Spec
from tests.engine.scripted import AnswerSetup, ScriptedProvider, whole

PLAIN = "blue"
TEXTS = (
    "insufficient_quota",
    "invalid_api_key",
    "API_KEY_INVALID",
    "authentication_error",
    "permission_error",
    "billing_error",
    "billing",
    "credit balance is too low",
    "Your credit balance is too low to access the Anthropic API.",
    "prepayment credits are depleted",
    "Insufficient Balance",
    "spend limit",
    "FAILED_PRECONDITION",
    "maximum context length is 10 tokens",
    "This model's maximum context length is 10 tokens. However, you requested 20 tokens.",
    "prompt is too long: 20 tokens > 10 maximum",
    "The input token count (20) exceeds the maximum number of tokens allowed (10).",
    "context_length_exceeded",
    "exceed_context_size_error",
    "model_not_found",
    "unknown model",
    "x is not a valid model ID",
    "No endpoints found for x.",
    "does not exist",
    "content_policy_violation",
    "unsupported_parameter",
    "stream_options",
    "reasoning_effort",
    "thinking",
    "thinkingConfig",
    "generation_config.thinking_config",
    "max_tokens",
    "overloaded_error",
    "rate_limit_exceeded",
    "Request too large for gpt-4o",
    "Please try again in 9h.",
    "GenerateRequestsPerDay",
    "in_flight_budget_exhausted",
    "no such model",
    "quota",
    "{'type': 'tokens'}",
)
TEMPLATES = (
    "Invalid max_tokens value, the valid range of max_tokens is [1, 80]",
    "max_tokens: 100 > 64, which is the maximum allowed number of output tokens",
    "System role not supported",
    "Conversation roles must alternate user/assistant/user/assistant/...",
    "invalid temperature: only 1 is allowed for this model",
    "Extra inputs are not permitted, field: stream_options",
    "Invalid thought signature.",
    "Thinking budget is not supported for this model.",
    "This model does not support response format `json_object`.",
    "image input is not supported",
)
"""Whole messages from which a request is changed and repeated."""
QUOTES = (
    ("Invalid value: '", "'. Supported values are: 'auto', 'low', 'high'."),
    ("unknown variant `", "`, expected one of `a`, `b` at line 1 column 9"),
    ("", " is not of type 'string' - 'messages.0'"),
    ('Invalid JSON payload received. Unknown name "', '": Cannot find field.'),
    ("Please change this: ", ""),
    ("", ""),
)


class Kind(NamedTuple):
    """A kind of refusal. `status` 0: an error event in a stream; `code`: placed as in the dialect."""

    status: int
    code: str | None = None


OF_THE_REQUEST = (
    Kind(400),
    Kind(400, "invalid_value"),
    Kind(400, "unsupported_value"),
    Kind(413),
    Kind(422),
    Kind(422, "extra_forbidden"),
    Kind(0, "invalid_request_error"),
)
OF_OTHERS = (Kind(401), Kind(403), Kind(404), Kind(429), Kind(500), Kind(503), Kind(0), Kind(0, "server_error"))
SPECS = sorted(specs().values(), key=lambda spec: spec.name)


def body_of(spec: Spec, kind: Kind, message: str, text: str) -> Any:
    """Return an error of the dialect that quotes `text` wherever a provider might."""
    if spec.dialect == "gemini":
        violations = [{"field": text, "description": message}]
        details: list[dict[str, Any]] = [
            {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations},
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "domain": text, "metadata": {"model": text}},
            {"@type": "type.googleapis.com/google.rpc.LocalizedMessage", "locale": "en", "message": message},
            {"@type": "type.googleapis.com/google.rpc.Help", "links": [{"description": message, "url": text}]},
        ]
        error = {"code": kind.status or 500, "message": message, "status": kind.code or "UNKNOWN", "details": details}
        return {"error": {**error, "code": 400} if kind.code == "invalid_request_error" else error}
    if spec.dialect == "anthropic":
        error = {"type": kind.code or "unknown_error", "message": message, "param": text, "details": {"input": text}}
        return {"type": "error", "error": error, "request_id": text}
    raw = json.dumps({"error": {"message": message, "type": text, "code": text, "status": text}})
    metadata = {"raw": raw, "flagged_input": text, "previous_errors": [{"code": 401, "message": message}]}
    error = {"message": message, "type": None, "param": text, "code": kind.code, "metadata": metadata}
    echoed = {"loc": ["body", "tools", 0, text], "input": {"type": text, "code": text}, "ctx": {"error": text}}
    failed = {"failed_generation": text, "input": {"type": text}, "innererror": {"code": text, "message": text}}
    return {"error": {**error, **failed}, "detail": [{**echoed, "msg": message}], "request": {"metadata": {text: text}}}


class Echo:
    """One provider's adapter with a server that quotes `text`, beside a healthy provider of another dialect."""

    def __init__(self, spec: Spec, kind: Kind, *, after_words: bool = False) -> None:
        self.spec, self.kind, self.after_words = spec, kind, after_words
        self.message = self.text = ""
        made = build(spec, keys=("k",), base_url="http://provider.test/v1")
        assert isinstance(made, ProviderAdapter)
        made.send_through(httpx.MockTransport(self._respond))
        self.provider = made
        other = "gemini" if spec.dialect != "gemini" else "anthropic"
        well = ScriptedProvider("well", whole("fine"), dialect=other)
        self.setup = AnswerSetup(made, well)  # type: ignore[arg-type]

    async def quote(self, text: str, before: str, after: str) -> str:
        """Ask one prompt; return the provider that answered, or the refusal."""
        self.text, self.message = text, f"{before}{text}{after}"
        answer, _ = self.setup.answer(text, options=options_of(text))
        try:
            await answer.whole()
        except (RequestRejected, NoProvider, AnswerCut) as error:
            return str(error)
        assert answer.offer is not None
        return answer.offer.provider

    def state(self) -> tuple[Any, ...]:
        """Return all state that outlasts a request."""
        health, offer = self.setup.market.health, Offer(self.spec.name, "m")
        state, status = health.state(self.spec.name), health.status(offer)
        learned = self.setup.market.catalog.context_tokens(offer, self.setup.market.clock.now())
        rest_seconds = round(state.seconds / 10)  # without the cooldown's jitter
        facts = (state.state, rest_seconds, state.requests_per_minute, state.failures, state.failure_chance)
        return facts, status.failure_chance, bool(status.reason), learned, repr(self.provider._memory or ModelMemory())

    def _respond(self, _: httpx.Request) -> httpx.Response:
        body = body_of(self.spec, self.kind, self.message, self.text)
        headers = {name: quote(self.text[:200]) for name in ("x-request-id", "x-prompt", "cf-ray", "x-error", "via")}
        if self.kind.status and not self.after_words:
            return httpx.Response(self.kind.status, json=body, headers=headers)
        frame = f"data: {json.dumps(body)}\n\n".encode()
        if self.after_words:
            frame = _WORDS[self.spec.dialect] + frame
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=_pieces(frame))


_GEMINI_WORDS = {"candidates": [{"content": {"role": "model", "parts": [{"text": "well, "}]}}]}
_CLAUDE_WORDS = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "well, "}}
_WORDS = {
    dialect: f"data: {json.dumps(words)}\n\n".encode()
    for dialect, words in (
        ("openai", {"choices": [{"index": 0, "delta": {"content": "well, "}}]}),
        ("gemini", _GEMINI_WORDS),
        ("anthropic", _CLAUDE_WORDS),
    )
}


def options_of(text: str) -> Options:
    """Return options with `text` wherever a tenant may write any text."""
    schema = {"type": "object", "title": text, "properties": {text: {"type": "string", "description": text}}}
    tools = (Tool("look_up", text, schema),)
    return Options(stop=(text[:40],) if text.strip() else (), tools=tools)


async def _pieces(piece: bytes) -> AsyncIterator[bytes]:
    yield piece


@pytest.mark.parametrize("kind", OF_THE_REQUEST, ids=str)
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
async def test_quoted_text_in_a_refused_request_changes_nothing(spec: Spec, kind: Kind) -> None:
    echo = Echo(spec, kind)
    untouched = echo.state()
    for number, text in enumerate(TEXTS):
        assert await echo.quote(text, *QUOTES[number % len(QUOTES)]) == "well"
        assert echo.state() == untouched, text


@pytest.mark.parametrize("kind", OF_THE_REQUEST, ids=str)
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
async def test_text_that_is_quoted_as_the_whole_message_changes_nothing_lasting(spec: Spec, kind: Kind) -> None:
    """The repeated request is refused with the same text, so that nothing is remembered."""
    echo = Echo(spec, kind)
    untouched = echo.state()
    for text in TEMPLATES:
        assert await echo.quote(text, "", "") == "well"
        assert echo.state() == untouched, text


@pytest.mark.parametrize("kind", OF_OTHERS, ids=str)
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
async def test_quoted_text_makes_no_failure_another_one(spec: Spec, kind: Kind) -> None:
    plain, quoting = Echo(spec, kind), Echo(spec, kind)
    for echo, text in ((plain, PLAIN), (quoting, "; ".join(TEXTS))):
        for _ in range(2):
            await echo.quote(text, *QUOTES[0])
    assert quoting.state() == plain.state()


@pytest.mark.parametrize("kind", [*OF_THE_REQUEST, *OF_OTHERS], ids=str)
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
async def test_text_that_is_quoted_within_an_answer_makes_its_failure_no_other_one(spec: Spec, kind: Kind) -> None:
    plain, quoting = Echo(spec, kind, after_words=True), Echo(spec, kind, after_words=True)
    for echo, text in ((plain, PLAIN), (quoting, "; ".join(TEXTS))):
        for _ in range(2):
            await echo.quote(text, *QUOTES[0])
    assert quoting.state() == plain.state()


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
async def test_tenant_reads_no_text_of_a_provider(spec: Spec) -> None:
    echo = Echo(spec, Kind(400, "invalid_value"))
    echo.setup.market.health.drain("well")
    said = await echo.quote("secret words", *QUOTES[0])
    assert said.startswith(f"{spec.name} rejects the request: the provider refuses it as invalid (")
    [record] = echo.setup.journal.records
    assert "secret words" in record.detail


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(max_size=80) | st.sampled_from(TEXTS),
    before=st.text(max_size=20),
    after=st.text(max_size=20),
    spec=st.sampled_from(SPECS),
    kind=st.sampled_from(OF_THE_REQUEST),
)
async def test_any_quoted_text_changes_nothing(text: str, before: str, after: str, spec: Spec, kind: Kind) -> None:
    echo = Echo(spec, kind)
    untouched = echo.state()
    assert await echo.quote(text, before + "'", "'" + after) == "well"
    assert echo.state() == untouched
