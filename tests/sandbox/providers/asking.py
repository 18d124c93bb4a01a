"""One question in the dialect of each stand-in, and readers of the answers."""

import json
from typing import Any, TypeAlias

import httpx

from main.sandbox import stand_in_providers
from sandbox.providers import StandIns
from sandbox.providers.registry import plain_stand_ins, stand_ins_of

Request: TypeAlias = tuple[str, dict[str, str], dict[str, Any]]
LONG = "Tell me at some length about the sea and the wind"
STAND_INS = stand_ins_of(stand_in_providers())
PROVIDERS = tuple(STAND_INS)
OPENAI_LIKE = tuple(name for name, found in STAND_INS.items() if found.dialect == "openai")
MODELS = {name: found.models[0] for name, found in STAND_INS.items()}
PLAIN = {name for name, found in STAND_INS.items() if type(found) in plain_stand_ins().values()}
CALM: dict[str, dict[str, Any]] = {
    "deepseek": {"thinking": {"type": "disabled"}},
    "openrouter": {"reasoning": {"effort": "none"}},
    "anthropic": {"thinking": {"type": "disabled"}},
}


class Asking:
    """A client that asks any provider the same question in its dialect."""

    def __init__(self, stand_ins: StandIns, url: str, http: httpx.AsyncClient) -> None:
        self.stand_ins, self.url, self.http = stand_ins, url, http

    async def __call__(
        self, name: str, prompt: str = LONG, *, stream: bool = True, key: str = "k-1", most: int = 4096, **more: Any
    ) -> httpx.Response:
        form = FORMS[STAND_INS[name].dialect]
        path, headers, body = form.request(name, prompt, stream, most)
        headers |= {form.key_header: f"{form.key_prefix}{key}"} if key else {}
        return await self.http.post(f"{self.url}/{name}{path}", headers=headers, json={**body, **more})

    async def frames(self, name: str, prompt: str = LONG, **more: Any) -> list[Any]:
        return events((await self(name, prompt, **more)).text)


def events(text: str) -> list[Any]:
    """Return the data of each frame, with `[DONE]` as a string."""
    found = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    return [each if each == "[DONE]" else json.loads(each) for each in found]


class _OpenAIForm:
    key_header, key_prefix = "authorization", "Bearer "

    def request(self, name: str, prompt: str, stream: bool, most: int) -> Request:
        limit = "max_completion_tokens" if name in {"openai", "groq"} else "max_tokens"
        return "/chat/completions", {}, {**_body(name, prompt, stream), limit: most}

    def said(self, frames: list[Any]) -> str:
        choices = [choice for f in frames if f != "[DONE]" for choice in f["choices"]]
        return "".join(choice["delta"].get("content") or "" for choice in choices)

    def usage(self, name: str, frames: list[Any]) -> Any:
        return frames[-2]["x_groq"]["usage"] if name == "groq" else frames[-2]["usage"]


class _GeminiForm:
    key_header, key_prefix = "x-goog-api-key", ""

    def request(self, name: str, prompt: str, stream: bool, most: int) -> Request:
        path = f"/models/{MODELS[name]}:" + ("streamGenerateContent?alt=sse" if stream else "generateContent")
        contents = [{"role": "user", "parts": [{"text": prompt}]}]
        return path, {}, {"contents": contents, "generationConfig": {"maxOutputTokens": most}}

    def said(self, frames: list[Any]) -> str:
        parts = [p for f in frames for c in f.get("candidates", ()) for p in c["content"]["parts"]]
        return "".join(part.get("text", "") for part in parts if not part.get("thought"))

    def usage(self, name: str, frames: list[Any]) -> Any:  # noqa: ARG002 - the same for all providers
        return frames[-1]["usageMetadata"]


class _AnthropicForm:
    key_header, key_prefix = "x-api-key", ""

    def request(self, name: str, prompt: str, stream: bool, most: int) -> Request:
        return "/messages", {"anthropic-version": "2023-06-01"}, {**_body(name, prompt, stream), "max_tokens": most}

    def said(self, frames: list[Any]) -> str:
        return "".join(f["delta"].get("text", "") for f in frames if f["type"] == "content_block_delta")

    def usage(self, name: str, frames: list[Any]) -> Any:  # noqa: ARG002 - the same for all providers
        return next(f["usage"] for f in frames if f["type"] == "message_delta")


FORMS: dict[str, _OpenAIForm | _GeminiForm | _AnthropicForm] = {
    "openai": _OpenAIForm(),
    "gemini": _GeminiForm(),
    "anthropic": _AnthropicForm(),
}
"""Requests and answers by dialect."""


def _body(name: str, prompt: str, stream: bool) -> dict[str, Any]:
    turns = [{"role": "user", "content": prompt}]
    return {"model": MODELS[name], "messages": turns, "stream": stream, **CALM.get(name, {})}


def request(name: str, prompt: str, stream: bool, most: int) -> Request:
    """Return path, headers and body of a request."""
    return FORMS[STAND_INS[name].dialect].request(name, prompt, stream, most)


def said(name: str, frames: list[Any]) -> str:
    """Return the text of a stream."""
    return FORMS[STAND_INS[name].dialect].said(frames)


def usage(name: str, frames: list[Any]) -> Any:
    """Return the usage at the end of a stream."""
    return FORMS[STAND_INS[name].dialect].usage(name, frames)
