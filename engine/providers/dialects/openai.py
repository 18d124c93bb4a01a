"""OpenAI's chat completions, used by most providers; request and stream are in modules of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from engine.embeddings import EmbeddingCall, Embeddings
from engine.errors import CapabilityMissing, NoSuchModel
from engine.ports import AnswerSink, ProviderCall
from engine.privacy import NONE, Exclusions
from engine.providers import http
from engine.providers.dialects import transcriptions
from engine.providers.dialects.adapter import ProviderAdapter
from engine.providers.dialects.openai_request import (
    ANY_OBJECT,
    checks_schema,
    ignored_fields,
    name_by_list,
    request_body,
    sends_stop,
)
from engine.providers.dialects.openai_stream import OpenAIStreamReader
from engine.providers.embeddings import openai as embeddings
from engine.providers.errors.form_messages import JSON_OBJECT, NAMED_TOOL
from engine.providers.errors.turn_messages import ALTERNATION, SYSTEM_ROLE
from engine.providers.mending.flat_turns import alternating, without_system
from engine.providers.model_facts import NO_SIGNATURE
from engine.providers.own_fields import FORMS, USAGE_FIELD
from engine.providers.refusals import SIGNATURES
from engine.providers.spec import Spec, thinking_off, upstream_choice
from engine.providers.streams.calls.signed_calls import signs_calls, signs_within_calls
from engine.providers.streams.think_tags import ThinkingHabits
from engine.speech import Recording, SpeechText

NO_UPSTREAM = "no company that the tenant lets see its prompts has this model here"


class OpenAIDialect(ProviderAdapter):
    def __init__(self, spec: Spec, keys: tuple[str, ...], base_url: str, proxy: str | None) -> None:
        super().__init__(spec, keys, base_url, proxy)
        self._habits = ThinkingHabits(is_self_hosted=spec.is_self_hosted)

    def url(self, model: str) -> str:  # noqa: ARG002 - the model is in the body
        return f"{self.base_url}/chat/completions"

    def auth(self, secret: str) -> dict[str, str]:
        return {"authorization": f"Bearer {secret}"}

    def body(self, call: ProviderCall) -> dict[str, Any]:
        choice = upstream_choice(call.request.exclusions, self.spec)
        return {**request_body(call, self.spec), **thinking_off(call, self.spec), **choice}

    async def stream(self, call: ProviderCall, sink: AnswerSink) -> None:
        if call.request.exclusions == NONE:
            await super().stream(call, sink)
            return
        with self._choice_of(call.request.exclusions):
            await super().stream(call, sink)

    def own_fields(self, call: ProviderCall) -> frozenset[str]:
        usage = {USAGE_FIELD} if self.spec.asks_usage else set()
        signs = signs_calls(self.spec, call.model) or signs_within_calls(self.spec, call.model)
        has_calls = signs and any(turn.tool_calls for turn in call.request.messages)
        signatures = {SIGNATURES} if has_calls else set()
        return frozenset({self.spec.output_field, *usage, *thinking_off(call, self.spec), *signatures, *FORMS})

    def drop_signatures(self, body: dict[str, Any]) -> None:
        for message in body["messages"]:
            for detail in message.get("reasoning_details", ()):
                detail["data"] = NO_SIGNATURE
            for tool_call in message.get("tool_calls", ()):
                if "extra_content" in tool_call:
                    tool_call["extra_content"] = {"google": {"thought_signature": NO_SIGNATURE}}

    def change_forms(self, body: dict[str, Any], refused: frozenset[str]) -> None:
        if SYSTEM_ROLE in refused:
            body["messages"] = without_system(body["messages"])
        if ALTERNATION in refused:
            body["messages"] = alternating(body["messages"])
        if JSON_OBJECT in refused and (body.get("response_format") or {}).get("type") == "json_object":
            body["response_format"] = ANY_OBJECT
        if NAMED_TOOL in refused:
            name_by_list(body)

    def ignored_fields(self, call: ProviderCall) -> tuple[str, ...]:
        return ignored_fields(call, self.spec)

    def checks_schema(self, call: ProviderCall) -> bool:
        return checks_schema(call, self.spec)

    async def transcribe(self, model: str, recording: Recording, key: int = 0) -> SpeechText:
        """Return the recording as text. Raises a ProviderError."""
        url = self.base_url + transcriptions.PATH
        body, kind = transcriptions.form(url, model, recording)
        headers = {"content-type": kind, "accept": "application/json", **self._headers(key)}
        async with http.post(self._http, url, headers, body) as response:
            await self._check(response, key)
            return await transcriptions.transcript(response)

    async def embed(self, call: EmbeddingCall) -> Embeddings:
        with self._choice_of(call.exclusions):
            answer = await self._post(embeddings.PATH, embeddings.body(call, self.spec), call.key)
        return embeddings.read(answer, call, self.spec)

    def reader(self, call: ProviderCall) -> OpenAIStreamReader:
        return OpenAIStreamReader(
            self.spec,
            call.model,
            self._habits,
            has_stop_sequences=sends_stop(call, self.spec),
            one_choice=call.request.n == 1,
        )

    @contextmanager
    def _choice_of(self, exclusions: Exclusions) -> Iterator[None]:
        """Turn a 404 into CapabilityMissing if the tenant's excluded companies may have caused it."""
        try:
            yield
        except NoSuchModel as error:
            if upstream_choice(exclusions, self.spec):
                raise CapabilityMissing(NO_UPSTREAM, status=error.status) from error
            raise


DIALECT = OpenAIDialect
