"""Anthropic's Messages: named events, usage in two places, max_tokens required."""

from typing import Any

from msgspec.structs import replace

from engine.ports import ProviderCall
from engine.providers.dialects.adapter import ProviderAdapter
from engine.providers.dialects.anthropic_request import checks_schema, ignored_fields, request_body
from engine.providers.dialects.anthropic_stream import AnthropicStreamReader
from engine.providers.dialects.anthropic_turns import without_thoughts
from engine.providers.mending.answers import AnswerMending
from engine.providers.mending.property_names import replaced_properties, with_plain_properties
from engine.providers.mending.tool_names import PLAIN_NAME
from engine.providers.refusals import SIGNATURES
from engine.providers.spec import thinking_off
from engine.providers.streams.think_tags import ThinkTags


class AnthropicDialect(ProviderAdapter):
    def url(self, model: str) -> str:  # noqa: ARG002 - the model is in the body
        return f"{self.base_url}/messages"

    def auth(self, secret: str) -> dict[str, str]:
        return {"x-api-key": secret}

    def body(self, call: ProviderCall) -> dict[str, Any]:
        replaced = replaced_properties(call.request.options)
        return request_body(replace(call, request=with_plain_properties(call.request, replaced)), self.spec)

    def own_fields(self, call: ProviderCall) -> frozenset[str]:
        """Return the switch of thinking, and the signatures of a history that has any."""
        switch = {"thinking"} if thinking_off(call, self.spec) else set()
        is_signed = any(turn.thinking_signature or turn.thoughts for turn in call.request.messages)
        return frozenset(switch | ({SIGNATURES} if is_signed else set()))

    def drop_signatures(self, body: dict[str, Any]) -> None:
        without_thoughts(body)

    def ignored_fields(self, call: ProviderCall) -> tuple[str, ...]:
        return ignored_fields(call, self.spec)

    def checks_schema(self, call: ProviderCall) -> bool:
        return checks_schema(call)

    def answer_mending(self, call: ProviderCall) -> AnswerMending | None:
        options = call.request.options
        return AnswerMending.of(options, PLAIN_NAME, replaced_properties(options))

    def reader(self, call: ProviderCall) -> AnthropicStreamReader:  # noqa: ARG002
        return AnthropicStreamReader(ThinkTags() if self.spec.is_self_hosted else None)


DIALECT = AnthropicDialect
