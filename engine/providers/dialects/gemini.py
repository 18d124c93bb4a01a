"""Gemini's native REST: streamGenerateContent?alt=sse; no end marker but a finish reason."""

from typing import Any
from urllib.parse import quote

from engine.ports import ProviderCall
from engine.providers.dialects.adapter import ProviderAdapter, thinking_off
from engine.providers.dialects.gemini_request import request_body
from engine.providers.dialects.gemini_stream import GeminiStreamReader


class GeminiDialect(ProviderAdapter):
    def url(self, model: str) -> str:
        return f"{self.base_url}/models/{quote(model, safe='')}:streamGenerateContent?alt=sse"

    def auth(self, secret: str) -> dict[str, str]:
        return {"x-goog-api-key": secret}

    def body(self, call: ProviderCall) -> dict[str, Any]:
        return request_body(call, self.spec)

    def own_fields(self, call: ProviderCall) -> frozenset[str]:
        return frozenset({"generationConfig.thinkingConfig"} if thinking_off(call, self.spec) else ())

    def reader(self, call: ProviderCall) -> GeminiStreamReader:
        return GeminiStreamReader(has_stop_sequences=bool(call.request.options.stop))


DIALECT = GeminiDialect
