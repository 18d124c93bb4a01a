"""Anthropic's Messages: named events, usage in two places, max_tokens required."""

from typing import Any

from engine.ports import ProviderCall
from engine.providers.dialects.adapter import ProviderAdapter
from engine.providers.dialects.anthropic_request import checks_schema, ignored_fields, request_body
from engine.providers.dialects.anthropic_stream import AnthropicStreamReader
from engine.providers.spec import thinking_off


class AnthropicDialect(ProviderAdapter):
    def url(self, model: str) -> str:  # noqa: ARG002 - the model is in the body
        return f"{self.base_url}/messages"

    def auth(self, secret: str) -> dict[str, str]:
        return {"x-api-key": secret}

    def body(self, call: ProviderCall) -> dict[str, Any]:
        return request_body(call, self.spec)

    def own_fields(self, call: ProviderCall) -> frozenset[str]:
        return frozenset({"thinking"} if thinking_off(call, self.spec) else ())

    def ignored_fields(self, call: ProviderCall) -> tuple[str, ...]:
        return ignored_fields(call, self.spec)

    def checks_schema(self, call: ProviderCall) -> bool:
        return checks_schema(call)

    def reader(self, call: ProviderCall) -> AnthropicStreamReader:  # noqa: ARG002
        return AnthropicStreamReader()


DIALECT = AnthropicDialect
