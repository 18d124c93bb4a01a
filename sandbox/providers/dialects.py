"""How each dialect streams, refuses and counts: what providers put on the wire."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse, Response

Frame = bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, whatever its dialect."""

    model: str
    prompt: str
    whole: str
    images: int
    most: int
    stream: bool


class OpenAI:
    comment = b": keep-alive\n\n"

    def asked(self, body: Mapping[str, Any], model: str) -> Asked:
        messages = body.get("messages") or []
        texts = [_text(message.get("content")) for message in messages]
        images = sum(str(message.get("content")).count("image_url'") // 2 for message in messages)
        most = body.get("max_completion_tokens") or body.get("max_tokens") or 4096
        last = next(
            (t for m, t in zip(reversed(messages), reversed(texts), strict=True) if m.get("role") == "user"),
            "",
        )
        return Asked(str(body.get("model") or model), last, "".join(texts), images, int(most), bool(body.get("stream")))

    def begin(self, asked: Asked) -> Iterator[Frame]:
        yield self._chunk(asked, {"role": "assistant", "content": ""}, None)

    def word(self, asked: Asked, text: str) -> Frame:
        return self._chunk(asked, {"content": text}, None)

    def end(self, asked: Asked, usage: tuple[int, int, int], *, full: bool, counted: bool) -> Iterator[Frame]:
        yield self._chunk(asked, {}, "length" if full else "stop")
        if counted:
            yield _data({"model": asked.model, "choices": [], "usage": self.usage(usage)})
        yield b"data: [DONE]\n\n"

    def blocked(self, asked: Asked) -> Iterator[Frame]:
        yield self._chunk(asked, {"refusal": "I can't help with that."}, "content_filter")
        yield b"data: [DONE]\n\n"

    def stream_error(self) -> Frame:
        return _data({"error": {"message": "upstream broke", "type": "server_error", "code": 502}})

    def whole(self, asked: Asked, text: str, usage: tuple[int, int, int]) -> dict[str, Any]:
        message = {"role": "assistant", "content": text}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        return {
            "id": "x",
            "object": "chat.completion",
            "model": asked.model,
            "choices": choices,
            "usage": self.usage(usage),
        }

    def usage(self, usage: tuple[int, int, int]) -> dict[str, Any]:
        prompt, cached, output = usage
        return {
            "prompt_tokens": prompt,
            "completion_tokens": output,
            "total_tokens": prompt + output,
            "prompt_tokens_details": {"cached_tokens": cached},
        }

    def error(self, status: int, message: str, kind: str) -> Response:
        headers = {"retry-after": "5"} if status == 429 else {}  # noqa: PLR2004
        return JSONResponse({"error": {"message": message, "type": kind, "code": kind}}, status, headers)

    def _chunk(self, asked: Asked, delta: dict[str, Any], finish: str | None) -> Frame:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return _data({"object": "chat.completion.chunk", "model": asked.model, "choices": [choice]})


class DeepSeek(OpenAI):
    def usage(self, usage: tuple[int, int, int]) -> dict[str, Any]:
        prompt, cached, output = usage
        hits = {"prompt_cache_hit_tokens": cached, "prompt_cache_miss_tokens": prompt - cached}
        return {"prompt_tokens": prompt, "completion_tokens": output, **hits}


class Gemini:
    comment = b""

    def asked(self, body: Mapping[str, Any], model: str) -> Asked:
        contents = body.get("contents") or []
        texts = ["".join(part.get("text", "") for part in turn.get("parts", [])) for turn in contents]
        images = sum("inlineData" in part for turn in contents for part in turn.get("parts", []))
        most = (body.get("generationConfig") or {}).get("maxOutputTokens") or 4096
        return Asked(model, texts[-1] if texts else "", "".join(texts), images, int(most), True)

    def begin(self, asked: Asked) -> Iterator[Frame]:  # noqa: ARG002
        yield from ()

    def word(self, asked: Asked, text: str) -> Frame:
        return self._frame(asked, {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0})

    def end(self, asked: Asked, usage: tuple[int, int, int], *, full: bool, counted: bool) -> Iterator[Frame]:
        finish = {"content": {"role": "model", "parts": []}, "finishReason": "MAX_TOKENS" if full else "STOP"}
        more = {"usageMetadata": self.usage(usage)} if counted else {}
        yield self._frame(asked, finish, **more)

    def blocked(self, asked: Asked) -> Iterator[Frame]:
        yield _crlf({"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": asked.model})

    def stream_error(self) -> Frame:
        return _crlf({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}})

    def whole(self, asked: Asked, text: str, usage: tuple[int, int, int]) -> dict[str, Any]:
        content = {"role": "model", "parts": [{"text": text}]}
        candidates = [{"content": content, "finishReason": "STOP", "index": 0}]
        return {"candidates": candidates, "modelVersion": asked.model, "usageMetadata": self.usage(usage)}

    def usage(self, usage: tuple[int, int, int]) -> dict[str, Any]:
        prompt, cached, output = usage
        return {
            "promptTokenCount": prompt,
            "cachedContentTokenCount": cached,
            "candidatesTokenCount": output,
            "totalTokenCount": prompt + output,
        }

    def error(self, status: int, message: str, kind: str) -> Response:
        named = {429: "RESOURCE_EXHAUSTED", 401: "UNAUTHENTICATED", 400: "INVALID_ARGUMENT"}
        error: dict[str, Any] = {
            "code": status,
            "message": message,
            "status": named.get(status, "UNAVAILABLE"),
        }
        if status == 429:  # noqa: PLR2004
            error["details"] = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "5s"}]
        if kind == "invalid_api_key":
            error |= {"code": 400, "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}
            status = 400
        return JSONResponse({"error": error}, status)

    def _frame(self, asked: Asked, candidate: dict[str, Any], **more: Any) -> Frame:
        return _crlf({"candidates": [candidate], "modelVersion": asked.model, **more})


class Anthropic:
    comment = b'event: ping\ndata: {"type": "ping"}\n\n'

    def asked(self, body: Mapping[str, Any], model: str) -> Asked:
        messages = body.get("messages") or []
        texts = [_text(message.get("content")) for message in messages]
        images = sum(str(message.get("content")).count("'type': 'image'") for message in messages)
        whole = str(body.get("system") or "") + "".join(texts)
        return Asked(
            str(body.get("model") or model),
            texts[-1] if texts else "",
            whole,
            images,
            int(body["max_tokens"]),
            bool(body.get("stream")),
        )

    def begin(self, asked: Asked) -> Iterator[Frame]:
        usage = {"input_tokens": -(-len(asked.whole.encode()) // 4), "output_tokens": 1}
        yield _event("message_start", message={"model": asked.model, "role": "assistant", "usage": usage})
        yield _event("content_block_start", index=0, content_block={"type": "text", "text": ""})

    def word(self, asked: Asked, text: str) -> Frame:  # noqa: ARG002
        return _event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})

    def end(self, asked: Asked, usage: tuple[int, int, int], *, full: bool, counted: bool) -> Iterator[Frame]:  # noqa: ARG002
        yield _event("content_block_stop", index=0)
        more = {"usage": self.usage(usage)} if counted else {}
        yield _event("message_delta", delta={"stop_reason": "max_tokens" if full else "end_turn"}, **more)
        yield _event("message_stop")

    def blocked(self, asked: Asked) -> Iterator[Frame]:  # noqa: ARG002
        yield _event("message_delta", delta={"stop_reason": "refusal"}, usage={"output_tokens": 1})
        yield _event("message_stop")

    def stream_error(self) -> Frame:
        return _event("error", error={"type": "overloaded_error", "message": "Overloaded"})

    def whole(self, asked: Asked, text: str, usage: tuple[int, int, int]) -> dict[str, Any]:
        content = [{"type": "text", "text": text}]
        return {
            "type": "message",
            "model": asked.model,
            "content": content,
            "stop_reason": "end_turn",
            "usage": self.usage(usage),
        }

    def usage(self, usage: tuple[int, int, int]) -> dict[str, Any]:
        prompt, cached, output = usage
        return {"input_tokens": prompt - cached, "cache_read_input_tokens": cached, "output_tokens": output}

    def error(self, status: int, message: str, kind: str) -> Response:
        named = {
            429: "rate_limit_error",
            401: "authentication_error",
            400: "invalid_request_error",
            529: "overloaded_error",
        }
        headers = {"retry-after": "5"} if status == 429 else {}  # noqa: PLR2004
        error = {"type": named.get(status, kind), "message": message}
        return JSONResponse({"type": "error", "error": error, "request_id": "req_x"}, status, headers)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content or [] if isinstance(part, dict))


def _data(body: Mapping[str, Any]) -> Frame:
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def _crlf(body: Mapping[str, Any]) -> Frame:
    return b"data: " + json.dumps(body).encode() + b"\r\n\r\n"


def _event(name: str, **body: Any) -> Frame:
    return f"event: {name}\n".encode() + _data({"type": name, **body})
