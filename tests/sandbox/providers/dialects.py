"""The same question to any stand-in, each in its dialect, and where each puts what it says."""

import json
from typing import Any

import httpx

from sandbox.providers import StandIns

LONG = "Tell me at some length about the sea and the wind"
PROVIDERS = ("deepseek", "gemini", "openrouter", "openai", "anthropic", "groq", "mistral")
OPENAI_LIKE = ("deepseek", "openrouter", "openai", "groq", "mistral")
MODELS = {
    "deepseek": "deepseek-v4-flash",
    "gemini": "gemini-2.5-flash-lite",
    "openrouter": "deepseek/deepseek-v4-flash",
    "openai": "gpt-4o-mini",
    "anthropic": "claude-haiku-5-5",
    "groq": "openai/gpt-oss-20b",
    "mistral": "mistral-small-latest",
}
CALM: dict[str, dict[str, Any]] = {
    "deepseek": {"thinking": {"type": "disabled"}},
    "openrouter": {"reasoning": {"effort": "none"}},
    "anthropic": {"thinking": {"type": "disabled"}},
}


class Asking:
    """Asks any provider the same thing, each in its dialect."""

    def __init__(self, stand_ins: StandIns, url: str, http: httpx.AsyncClient) -> None:
        self.stand_ins, self.url, self.http = stand_ins, url, http

    async def __call__(
        self, name: str, prompt: str = LONG, *, stream: bool = True, key: str = "k-1", most: int = 4096, **more: Any
    ) -> httpx.Response:
        path, headers, body = request(name, prompt, stream, most)
        secret = {"gemini": "x-goog-api-key", "anthropic": "x-api-key"}.get(name)
        headers |= ({secret: key} if secret else {"authorization": f"Bearer {key}"}) if key else {}
        return await self.http.post(f"{self.url}/{name}{path}", headers=headers, json={**body, **more})

    async def frames(self, name: str, prompt: str = LONG, **more: Any) -> list[Any]:
        return events((await self(name, prompt, **more)).text)


def request(name: str, prompt: str, stream: bool, most: int) -> tuple[str, dict[str, str], dict[str, Any]]:
    turns = [{"role": "user", "content": prompt}]
    if name == "gemini":
        path = f"/models/{MODELS[name]}:" + ("streamGenerateContent?alt=sse" if stream else "generateContent")
        contents = [{"role": "user", "parts": [{"text": prompt}]}]
        return path, {}, {"contents": contents, "generationConfig": {"maxOutputTokens": most}}
    body = {"model": MODELS[name], "messages": turns, "stream": stream, **CALM.get(name, {})}
    if name == "anthropic":
        return "/messages", {"anthropic-version": "2023-06-01"}, {**body, "max_tokens": most}
    limit = "max_completion_tokens" if name in {"openai", "groq"} else "max_tokens"
    return "/chat/completions", {}, {**body, limit: most}


def events(text: str) -> list[Any]:
    """Every frame's data; `[DONE]` as the word."""
    found = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    return [each if each == "[DONE]" else json.loads(each) for each in found]


def said(name: str, frames: list[Any]) -> str:
    if name == "gemini":
        parts = [p for f in frames for c in f.get("candidates", ()) for p in c["content"]["parts"]]
        return "".join(part.get("text", "") for part in parts if not part.get("thought"))
    if name == "anthropic":
        return "".join(f["delta"].get("text", "") for f in frames if f["type"] == "content_block_delta")
    choices = [choice for f in frames if f != "[DONE]" for choice in f["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def usage(name: str, frames: list[Any]) -> Any:
    """Where this provider puts it at the end of a stream."""
    if name == "gemini":
        return frames[-1]["usageMetadata"]
    if name == "anthropic":
        return next(f["usage"] for f in frames if f["type"] == "message_delta")
    if name == "groq":
        return frames[-2]["x_groq"]["usage"]
    return frames[-2]["usage"]
