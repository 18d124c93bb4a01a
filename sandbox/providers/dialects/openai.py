"""OpenAI's chat completions as OpenAI itself speaks them; others vary a part."""

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from sandbox.providers.answers import chosen, words
from sandbox.providers.asked import Asked, AskedCall, AskedTool, StandInAnswer, StandInBill, StandInFrame
from sandbox.providers.dialects.base import IMAGE_TEXT, data, dumps, listed, messages_of, most_of, names
from sandbox.providers.refusals import Row, StandInRefused

ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
FIELDS = names(
    "model messages stream stream_options max_tokens max_completion_tokens temperature top_p stop seed n tools "
    "tool_choice parallel_tool_calls response_format reasoning_effort frequency_penalty presence_penalty logprobs "
    "top_logprobs logit_bias user service_tier store metadata prediction modalities audio verbosity functions "
    "function_call prompt_cache_key prompt_cache_retention safety_identifier web_search_options"
)
REASONS = {"stop": "stop", "length": "length", "tool": "tool_calls", "refused": "content_filter"}
_REASONING = re.compile(r"(^|/)(o\d|gpt-[5-9])")
_WRITES_CACHE = re.compile(r"(^|/)gpt-(5\.[6-9]|[6-9])")


class OpenAIStandIn:
    comment = b""
    known: ClassVar[tuple[str, ...]] = ("gpt-4o", "gpt-4o-mini", "gpt-5-nano", "gpt-6-luna")

    # --- what is asked ------------------------------------------------------------------------------

    def asked(self, call: AskedCall) -> Asked:
        body = call.body
        model = body.get("model")
        if not isinstance(model, str) or not model:
            raise StandInRefused(Row(400, "you must provide a model parameter"))
        if model.startswith("no-such"):
            raise StandInRefused(Row(404, f"The model `{model}` does not exist.", code="model_not_found"))
        self.check(body, model)
        wrong = Row(400, "Invalid type for 'messages': expected a list of messages.", param="messages")
        messages = messages_of(body, "messages", ROLES, wrong)
        limit = Row(400, "Invalid 'max_tokens': expected an integer above or equal to 1.", param="max_tokens")
        return self._asked(body, model, messages, self._most(body, limit))

    def check(self, body: Mapping[str, Any], model: str) -> None:
        """Raises StandInRefused for what this seller does not take."""
        if unknown := sorted(set(body) - FIELDS):
            raise StandInRefused(Row(400, f"Unrecognized request argument supplied: {unknown[0]}", param=unknown[0]))
        if _wants(body) == "json_object" and "json" not in dumps(body.get("messages")).lower():
            raise StandInRefused(Row(400, "'messages' must contain the word 'json' in some form.", param="messages"))
        if not _REASONING.search(model):
            return
        if "max_tokens" in body:
            raise StandInRefused(_unsupported("max_tokens", "Use 'max_completion_tokens' instead."))
        if body.get("temperature", 1) != 1:
            raise StandInRefused(_unsupported("temperature", "Only the default (1) value is supported."))
        if "gpt-6" in model and body.get("tools") and body.get("reasoning_effort") != "none":
            raise StandInRefused(_unsupported("tools", "Set reasoning_effort to 'none'."))

    def thinks(self, body: Mapping[str, Any], model: str) -> bool:
        return bool(_REASONING.search(model)) and body.get("reasoning_effort") not in {"none", "minimal"}

    def shows_thoughts(self, body: Mapping[str, Any]) -> bool:  # noqa: ARG002
        return False

    def _most(self, body: Mapping[str, Any], row: Row) -> int:
        return most_of(body.get("max_completion_tokens", body.get("max_tokens")), row)

    def _asked(self, body: Mapping[str, Any], model: str, messages: list[Mapping[str, Any]], most: int) -> Asked:
        asking = [text_of(message.get("content")) for message in messages if message["role"] == "user"]
        images = sum(images_in(message.get("content")) for message in messages)
        result = text_of(messages[-1].get("content")) if messages[-1]["role"] in {"tool", "function"} else None
        prompt = asking[-1] if asking else ""
        tools = dumps(body["tools"]) if body.get("tools") else ""
        schema = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema")
        return Asked(
            model=model,
            prompt=prompt,
            whole=tools + "".join(_counted(message) for message in messages) + IMAGE_TEXT * images,
            most=most,
            stream=bool(body.get("stream")),
            turns=len(asking),
            images=images,
            n=body.get("n") or 1,
            stop=listed(body.get("stop")),
            tool=None if result is not None else _tool(body, prompt),
            tool_result=result,
            wants_json=_wants(body) in {"json_object", "json_schema"},
            schema=schema,
            thinks=self.thinks(body, model),
            shows_thoughts=self.shows_thoughts(body),
            options={**(body.get("stream_options") or {}), "prompt_cache_key": body.get("prompt_cache_key")},
        )

    # --- what is answered ---------------------------------------------------------------------------

    def frames(self, asked: Asked, answer: StandInAnswer, bill: StandInBill | None) -> Iterator[StandInFrame]:
        for index in range(asked.n):
            yield StandInFrame(self._chunk(asked, index, {"role": "assistant", "content": ""}))
            for word in words(answer.thought if asked.shows_thoughts else ""):
                yield StandInFrame(self._chunk(asked, index, self.thought(word)), word=True)
            yield from self._said(asked, index, answer)
        for index in range(asked.n):
            last = index == asked.n - 1
            more = self.beside_finish(bill) if bill and last else {}
            yield StandInFrame(self._chunk(asked, index, {}, REASONS[answer.finish], **more))
        if bill and self.has_usage_chunk(asked):
            yield StandInFrame(data({**self._head(asked), "choices": [], "usage": self.usage(asked, bill)}))
        yield StandInFrame(b"data: [DONE]\n\n")

    def whole(self, asked: Asked, answer: StandInAnswer, bill: StandInBill | None) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": answer.text, "refusal": None}
        if answer.finish == "refused":
            message |= {"content": None, "refusal": answer.text}
        if answer.tool:
            message |= {"content": None, "tool_calls": [_called(answer.tool)]}
        if answer.thought and asked.shows_thoughts:
            message |= self.thought(answer.thought)
        choices = [
            {"index": n, "message": message, "logprobs": None, "finish_reason": REASONS[answer.finish]}
            for n in range(asked.n)
        ]
        usage = {"usage": self.usage(asked, bill)} if bill else {}
        return {**self._head(asked), "object": "chat.completion", "choices": choices, **usage}

    def broken(self) -> Iterator[bytes]:
        error = {"message": "The server had an error while processing your request.", "type": "server_error"}
        yield data({"error": {**error, "param": None, "code": None}})

    def cached_written(self, asked: Asked, prompt: int, seen: int) -> tuple[int, int]:
        writes = _WRITES_CACHE.search(asked.model) and prompt >= 1024  # noqa: PLR2004 - from there on it caches
        return seen, prompt - seen if writes else 0

    def thought(self, word: str) -> dict[str, str]:
        return {"reasoning": word}

    def usage(self, asked: Asked, bill: StandInBill) -> dict[str, Any]:  # noqa: ARG002
        output = bill.output + bill.thought
        written = {"cache_write_tokens": bill.written} if bill.written else {}
        return {
            "prompt_tokens": bill.prompt,
            "completion_tokens": output,
            "total_tokens": bill.prompt + output,
            "prompt_tokens_details": {"cached_tokens": bill.cached, "audio_tokens": 0, **written},
            "completion_tokens_details": {"reasoning_tokens": bill.thought},
        }

    def beside_finish(self, bill: StandInBill) -> dict[str, Any]:  # noqa: ARG002
        """What the chunk with the finish reason tells of usage, asked or not."""
        return {}

    def has_usage_chunk(self, asked: Asked) -> bool:
        return bool(asked.options.get("include_usage"))

    def models(self) -> dict[str, Any]:
        rows = [{"id": name, "object": "model", "created": 1, "owned_by": "stand-in"} for name in self.known]
        return {"object": "list", "data": rows}

    def padding(self, asked: Asked, delta: Mapping[str, Any]) -> dict[str, Any]:
        """Deltas are padded to one length, so that nobody on the wire can guess the words."""
        if asked.options.get("include_obfuscation") is False or not delta.get("content"):
            return {}
        return {"obfuscation": "x" * (-len(delta["content"]) % 16)}

    def _said(self, asked: Asked, index: int, answer: StandInAnswer) -> Iterator[StandInFrame]:
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

    def _head(self, asked: Asked) -> dict[str, Any]:
        return {
            "id": "chatcmpl-stand-in",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": asked.model,
        }

    def _chunk(
        self, asked: Asked, index: int, delta: Mapping[str, Any], finish: str | None = None, **more: Any
    ) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        usage = {"usage": None} if self.has_usage_chunk(asked) else {}
        return data({**self._head(asked), "choices": [choice], **usage, **more, **self.padding(asked, delta)})


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


def _wants(body: Mapping[str, Any]) -> Any:
    wanted = body.get("response_format")
    return wanted.get("type") if isinstance(wanted, dict) else None


def _tool(body: Mapping[str, Any], prompt: str) -> AskedTool | None:
    functions = [tool.get("function") or {} for tool in body.get("tools") or () if isinstance(tool, dict)]
    tools = {str(each.get("name")): each.get("parameters") or {} for each in functions}
    choice = body.get("tool_choice")
    if choice == "none":
        return None
    wanted = (choice.get("function") or {}).get("name") if isinstance(choice, dict) else None
    return chosen(tools, wanted, prompt, must=choice == "required")


def _called(tool: AskedTool) -> dict[str, Any]:
    return {"id": tool.id, "type": "function", "function": {"name": tool.name, "arguments": dumps(tool.arguments)}}


def _unsupported(name: str, instead: str) -> Row:
    message = f"Unsupported parameter: '{name}' is not supported with this model. {instead}"
    return Row(400, message, code="unsupported_parameter", param=name)
