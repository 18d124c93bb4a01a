"""OpenAI's chat completions as most compatible servers implement them. Providers' files override parts of it."""

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from starlette.requests import Request

from sandbox.providers.answers import chosen_tool, logprobs, words
from sandbox.providers.checks.openai import check_request
from sandbox.providers.dialects.base import (
    IMAGE_TEXT,
    StandInDialect,
    data,
    dumps,
    listed,
    messages_of,
    names,
    output_limit,
)
from sandbox.providers.embeddings import EMBEDDINGS_PATH, AskedEmbeddings, encoded, inputs_of
from sandbox.providers.exchange import (
    TRANSCRIPTIONS_PATH,
    ParsedRequest,
    ReceivedCall,
    StandInAnswer,
    StandInFrame,
    StandInToolCall,
    StandInUsage,
)
from sandbox.providers.refusals import OPENAI_REFUSALS, Refusal, StandInRefused
from sandbox.providers.schemas import schema_in_words

_ASKING = frozenset({"system", "developer", "user"})
ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
FIELDS = names(
    "model messages stream stream_options max_tokens max_completion_tokens temperature top_p stop seed n tools "
    "tool_choice parallel_tool_calls response_format reasoning_effort frequency_penalty presence_penalty logprobs "
    "top_logprobs logit_bias user service_tier store metadata prediction modalities audio verbosity functions "
    "function_call prompt_cache_key prompt_cache_retention safety_identifier web_search_options"
)
CACHE_FROM_TOKENS = 1024
PLAIN_DIMENSIONS = 768
_WRITES_CACHE = re.compile(r"(^|/)gpt-(5\.[6-9]|[6-9])")
_ERROR_FIELDS = {"message": "message", "type": "kind", "param": "param", "code": "code"}
_NO_MESSAGES = Refusal(400, "Invalid type for 'messages': expected a list of messages.", param="messages")
REASONS = {"stop": "stop", "length": "length", "tool": "tool_calls", "refused": "content_filter"}


class OpenAIStandIn(StandInDialect):
    """A plain server of the dialect: unknown fields are an error, no model thinks, `usage` is sent on request."""

    dialect = "openai"
    refusals: ClassVar[Mapping[str, Refusal]] = OPENAI_REFUSALS
    models: ClassVar[tuple[str, ...]] = ("stand-in-small", "stand-in-large")

    def serves(self, path: str) -> bool:
        return path in {"chat/completions", TRANSCRIPTIONS_PATH, EMBEDDINGS_PATH}

    def embeds(self, path: str) -> bool:
        return path == EMBEDDINGS_PATH

    def key(self, request: Request) -> str:
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        return key.strip() if kind.lower() == "bearer" else ""

    def parse(self, call: ReceivedCall) -> ParsedRequest:
        body, model = call.body, _model(call.body)
        self.check(body, model)
        messages = messages_of(body, "messages", ROLES, _NO_MESSAGES)
        limit = Refusal(400, "Invalid 'max_tokens': expected an integer above or equal to 1.", param="max_tokens")
        self.check_messages(body, model, messages)
        most = output_limit(body.get("max_completion_tokens", body.get("max_tokens")), limit)
        return self._parsed(body, model, messages, most)

    def check(self, body: Mapping[str, Any], model: str) -> None:  # noqa: ARG002 - others look at the model
        """Raise StandInRefused for a field or a value that this provider does not accept."""
        if unknown := sorted(set(body) - FIELDS):
            message = f"Unrecognized request argument supplied: {unknown[0]}"
            raise StandInRefused(Refusal(400, message, param=unknown[0]))
        if wanted_format(body) == "json_object" and "json" not in dumps(body.get("messages")).lower():
            message = "'messages' must contain the word 'json' in some form."
            raise StandInRefused(Refusal(400, message, param="messages"))

    def check_messages(self, body: Mapping[str, Any], model: str, messages: list[Mapping[str, Any]]) -> None:  # noqa: ARG002
        """Raise StandInRefused for messages or tools that this provider does not accept."""
        check_request(body, messages)

    def thinks(self, body: Mapping[str, Any], model: str) -> bool:  # noqa: ARG002 - no model of a plain server
        return False

    def shows_thoughts(self, body: Mapping[str, Any]) -> bool:  # noqa: ARG002
        return False

    def _parsed(
        self, body: Mapping[str, Any], model: str, messages: list[Mapping[str, Any]], most: int
    ) -> ParsedRequest:
        asking = [text_of(message.get("content")) for message in messages if message["role"] == "user"]
        images = sum(images_in(message.get("content")) for message in messages)
        result = text_of(messages[-1].get("content")) if messages[-1]["role"] in {"tool", "function"} else None
        prompt = asking[-1] if asking else ""
        tools = dumps(body["tools"]) if body.get("tools") else ""
        schema = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema")
        if schema is None:
            schema = schema_in_words("\n".join([text_of(m.get("content")) for m in messages if m["role"] in _ASKING]))
        return ParsedRequest(
            model=model,
            prompt=prompt,
            counted=tools + "".join(_counted(message) for message in messages) + IMAGE_TEXT * images,
            most=most,
            stream=bool(body.get("stream")),
            turns=len(asking),
            images=images,
            n=body.get("n") or 1,
            stop=listed(body.get("stop")),
            tool=None if result is not None else _tool(body, prompt),
            tool_result=result,
            wants_json=wanted_format(body) in {"json_object", "json_schema"},
            schema=schema,
            thinks=self.thinks(body, model),
            shows_thoughts=self.shows_thoughts(body),
            top_logprobs=(body.get("top_logprobs") or 0) if body.get("logprobs") else None,
            options={**(body.get("stream_options") or {}), "prompt_cache_key": body.get("prompt_cache_key")},
        )

    def embed(self, call: ReceivedCall, *, with_usage: bool) -> dict[str, Any]:
        asked = self.asked_embeddings(call.body, _model(call.body))
        rows = [{"object": "embedding", "index": n, "embedding": each} for n, each in enumerate(encoded(asked))]
        usage = {"usage": self.embedding_usage(asked)} if with_usage else {}
        return {"object": "list", "data": rows, "model": asked.model, **usage}

    def asked_embeddings(self, body: Mapping[str, Any], model: str) -> AskedEmbeddings:
        """Read a request as a plain server does: always decimal numbers, and only one number of dimensions."""
        if body.get("dimensions") is not None:
            message = f'Model "{model}" does not support matryoshka representation.'
            raise StandInRefused(Refusal(400, message, "BadRequestError"))
        return AskedEmbeddings(model, inputs_of(body), PLAIN_DIMENSIONS)

    def embedding_usage(self, asked: AskedEmbeddings) -> dict[str, Any]:
        return {"prompt_tokens": asked.tokens, "total_tokens": asked.tokens}

    def frames(self, asked: ParsedRequest, answer: StandInAnswer, usage: StandInUsage | None) -> Iterator[StandInFrame]:
        for index in range(asked.n):
            yield StandInFrame(self._chunk(asked, index, {"role": "assistant", "content": ""}))
            for word in words(answer.thought if asked.shows_thoughts else ""):
                yield StandInFrame(self._chunk(asked, index, self.thought(word)), word=True)
            yield from self._content(asked, index, answer)
        for index in range(asked.n):
            last = index == asked.n - 1
            more = self.beside_finish(usage) if usage and last else {}
            yield StandInFrame(self._chunk(asked, index, {}, REASONS[answer.finish], **more))
        if usage and self.has_usage_chunk(asked):
            yield StandInFrame(data({**self._head(asked), "choices": [], "usage": self.usage_body(usage)}))
        yield StandInFrame(b"data: [DONE]\n\n")

    def whole(self, asked: ParsedRequest, answer: StandInAnswer, usage: StandInUsage | None) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": answer.text, "refusal": None}
        if answer.finish == "refused":
            message |= {"content": None, "refusal": answer.text}
        if answer.tool:
            message |= {"content": None, "tool_calls": [_called(answer.tool)]}
        if answer.thought and asked.shows_thoughts:
            message |= self.thought(answer.thought)
        choice = {"message": message, "logprobs": logprobs(asked, message["content"])}
        choices = [{"index": n, **choice, "finish_reason": REASONS[answer.finish]} for n in range(asked.n)]
        billed = {"usage": self.usage_body(usage)} if usage else {}
        return {**self._head(asked), "object": "chat.completion", "choices": choices, **billed}

    def broken(self) -> Iterator[bytes]:
        error = {"message": "The server had an error while processing your request.", "type": "server_error"}
        yield data({"error": {**error, "param": None, "code": None}})

    def cached_written(self, asked: ParsedRequest, prompt: int, seen: int) -> tuple[int, int]:  # noqa: ARG002
        return seen, 0

    def thought(self, word: str) -> dict[str, str]:
        return {"reasoning": word}

    def usage_body(self, usage: StandInUsage) -> dict[str, Any]:
        output = usage.output + usage.thought
        written = {"cache_write_tokens": usage.written} if usage.written else {}
        return {
            "prompt_tokens": usage.prompt,
            "completion_tokens": output,
            "total_tokens": usage.prompt + output,
            "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0, **written},
            "completion_tokens_details": {"reasoning_tokens": usage.thought},
        }

    def beside_finish(self, usage: StandInUsage) -> dict[str, Any]:  # noqa: ARG002
        """Return the parts of the chunk with the finish reason that report usage without a request for it."""
        return {}

    def has_usage_chunk(self, asked: ParsedRequest) -> bool:
        return bool(asked.options.get("include_usage"))

    def model_list(self) -> dict[str, Any]:
        rows = [{"id": name, "object": "model", "created": 1, "owned_by": "stand-in"} for name in self.models]
        return {"object": "list", "data": rows}

    def padding(self, asked: ParsedRequest, delta: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """Return fields that this provider adds to a chunk with this delta."""
        return {}

    def error_body(self, refusal: Refusal, wait_seconds: float) -> dict[str, Any]:  # noqa: ARG002
        return {"error": {f: getattr(refusal, a) for f, a in _ERROR_FIELDS.items()}}

    def _content(self, asked: ParsedRequest, index: int, answer: StandInAnswer) -> Iterator[StandInFrame]:
        if answer.tool:
            call = _called(answer.tool)
            begun = {"index": 0, **call, "function": {"name": answer.tool.name, "arguments": ""}}
            yield StandInFrame(self._chunk(asked, index, {"tool_calls": [begun]}))
            for word in words(call["function"]["arguments"]):
                piece = {"index": 0, "function": {"arguments": word}}
                yield StandInFrame(self._chunk(asked, index, {"tool_calls": [piece]}), word=True)
        field = "refusal" if answer.finish == "refused" else "content"
        for word in words(answer.text):
            yield StandInFrame(self._chunk(asked, index, {field: word}), word=True)

    def _head(self, asked: ParsedRequest) -> dict[str, Any]:
        return {
            "id": "chatcmpl-stand-in",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": asked.model,
        }

    def _chunk(
        self, asked: ParsedRequest, index: int, delta: Mapping[str, Any], finish: str | None = None, **more: Any
    ) -> bytes:
        choice = {"index": index, "delta": delta, "finish_reason": finish}
        choice["logprobs"] = logprobs(asked, delta.get("content"))
        usage = {"usage": None} if self.has_usage_chunk(asked) else {}
        return data({**self._head(asked), "choices": [choice], **usage, **more, **self.padding(asked, delta)})


def _model(body: Mapping[str, Any]) -> str:
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise StandInRefused(Refusal(400, "you must provide a model parameter"))
    if model.startswith("no-such"):
        raise StandInRefused(Refusal(404, f"The model `{model}` does not exist.", code="model_not_found"))
    return model


def text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text", "")) for part in content or () if isinstance(part, dict))


def images_in(content: Any) -> int:
    if not isinstance(content, list):
        return 0
    return sum(isinstance(part, dict) and part.get("type") == "image_url" for part in content)


def _counted(message: Mapping[str, Any]) -> str:
    calls = dumps(message["tool_calls"]) if message.get("tool_calls") else ""
    return text_of(message.get("content")) + calls


def wanted_format(body: Mapping[str, Any]) -> Any:
    wanted = body.get("response_format")
    return wanted.get("type") if isinstance(wanted, dict) else None


def _tool(body: Mapping[str, Any], prompt: str) -> StandInToolCall | None:
    functions = [tool.get("function") or {} for tool in body.get("tools") or () if isinstance(tool, dict)]
    tools = {str(each.get("name")): each.get("parameters") or {} for each in functions}
    choice = body.get("tool_choice")
    if choice == "none":
        return None
    wanted = (choice.get("function") or {}).get("name") if isinstance(choice, dict) else None
    return chosen_tool(tools, wanted, prompt, must=choice == "required")


def _called(tool: StandInToolCall) -> dict[str, Any]:
    return {"id": tool.id, "type": "function", "function": {"name": tool.name, "arguments": dumps(tool.arguments)}}


def written_by_itself(model: str, prompt: int, seen: int) -> int:
    """Return the tokens that OpenAI's newer models write to their prompt cache without a request for it."""
    return prompt - seen if _WRITES_CACHE.search(model) and prompt >= CACHE_FROM_TOKENS else 0


def request_limit_headers(limit: int, left: int, reset_seconds: float) -> dict[str, str]:
    return {
        "x-ratelimit-limit-requests": str(limit),
        "x-ratelimit-remaining-requests": str(left),
        "x-ratelimit-reset-requests": f"{reset_seconds:g}s",
    }


PLAIN = OpenAIStandIn
