"""Gemini's native REST API: streamGenerateContent?alt=sse; a finish reason instead of an end marker."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from engine.embeddings import EmbeddingCall, Embeddings
from engine.errors import ProviderError
from engine.ports import ProviderCall
from engine.providers.dialects.adapter import ProviderAdapter
from engine.providers.dialects.gemini_request import checks_schema, ignored_fields, request_body, without_signatures
from engine.providers.dialects.gemini_stream import GeminiStreamReader
from engine.providers.embeddings import gemini as embeddings
from engine.providers.errors.turn_messages import SYSTEM_ROLE
from engine.providers.mending.answers import AnswerMending
from engine.providers.mending.tool_names import GEMINI_NAME
from engine.providers.refusals import SIGNATURES
from engine.providers.spec import thinking_off

COUNT_SECONDS = 5.0


class GeminiDialect(ProviderAdapter):
    def url(self, model: str) -> str:
        return f"{self.base_url}/models/{quote(model, safe='')}:streamGenerateContent?alt=sse"

    def auth(self, secret: str) -> dict[str, str]:
        return {"x-goog-api-key": secret}

    def body(self, call: ProviderCall) -> dict[str, Any]:
        return request_body(call, self.spec)

    def own_fields(self, call: ProviderCall) -> frozenset[str]:
        """Return the field that switches thinking off, and the signatures if the history has tool calls."""
        thinking = {"generationConfig.thinkingConfig"} if thinking_off(call, self.spec) else set()
        has_calls = any(message.tool_calls for message in call.request.messages)
        return frozenset(thinking | ({SIGNATURES} if has_calls else set()) | {SYSTEM_ROLE})

    def drop_signatures(self, body: dict[str, Any]) -> None:
        body["contents"] = without_signatures(body["contents"])

    def change_forms(self, body: dict[str, Any], refused: frozenset[str]) -> None:
        """Write the text of the system before the first turn, which is the user's: Gemma has no instruction."""
        system = body.pop("systemInstruction", None)
        if system is not None and SYSTEM_ROLE in refused:
            body["contents"][0]["parts"] = [*system["parts"], *body["contents"][0]["parts"]]

    async def embed(self, call: EmbeddingCall) -> Embeddings:
        answer = await self._post(_method(call, embeddings.METHOD), embeddings.body(call), call.key)
        found = embeddings.read(answer, call)
        return found if found.input_tokens is not None else replace(found, input_tokens=await self._counted(call))

    async def _counted(self, call: EmbeddingCall) -> int | None:
        """Return the tokens of a call, counted by the free countTokens; None if that fails."""
        path, body = _method(call, embeddings.COUNT_METHOD), embeddings.count_body(call)
        with suppress(ProviderError, TimeoutError):
            async with asyncio.timeout(COUNT_SECONDS):
                return embeddings.read_count(await self._post(path, body, call.key))
        return None

    def ignored_fields(self, call: ProviderCall) -> tuple[str, ...]:
        return ignored_fields(call, self.spec)

    def checks_schema(self, call: ProviderCall) -> bool:
        return checks_schema(call)

    def answer_mending(self, call: ProviderCall) -> AnswerMending | None:
        return AnswerMending.of(call.request.options, GEMINI_NAME)

    def reader(self, call: ProviderCall) -> GeminiStreamReader:
        return GeminiStreamReader(has_stop_sequences=bool(call.request.options.stop))


def _method(call: EmbeddingCall, method: str) -> str:
    return f"/models/{quote(call.model, safe='')}:{method}"


DIALECT = GeminiDialect
