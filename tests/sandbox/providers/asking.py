"""One question in the dialect of each stand-in, and readers of the answers."""

import json
from typing import Any

import httpx

from main.sandbox import stand_in_providers
from sandbox.providers import StandIns
from sandbox.providers.dialects.openai import OpenAIStandIn
from sandbox.providers.registry import plain_stand_ins, stand_ins_of

LONG = "Tell me at some length about the sea and the wind"
STAND_INS = stand_ins_of(stand_in_providers())
PROVIDERS = tuple(STAND_INS)
OPENAI_LIKE = tuple(name for name, found in STAND_INS.items() if isinstance(found, OpenAIStandIn))
MODELS = {name: found.models[0] for name, found in STAND_INS.items()}
PLAIN = {name for name, found in STAND_INS.items() if type(found) in plain_stand_ins().values()}
CALM: dict[str, dict[str, Any]] = {
    "deepseek": {"thinking": {"type": "disabled"}},
    "openrouter": {"reasoning": {"effort": "none"}},
    "anthropic": {"thinking": {"type": "disabled"}},
}


class Asking:
    """Client that asks any provider the same question in its dialect."""

    def __init__(self, stand_ins: StandIns, url: str, http: httpx.AsyncClient) -> None:
        self.stand_ins, self.url, self.http = stand_ins, url, http

    async def __call__(
        self, name: str, prompt: str = LONG, *, stream: bool = True, key: str = "k-1", most: int = 4096, **more: Any
    ) -> httpx.Response:
        path, headers, body = request(name, prompt, stream, most)
        secret = {"gemini": "x-goog-api-key", "anthropic": "x-api-key"}.get(STAND_INS[name].dialect)
        headers |= ({secret: key} if secret else {"authorization": f"Bearer {key}"}) if key else {}
        return await self.http.post(f"{self.url}/{name}{path}", headers=headers, json={**body, **more})

    async def frames(self, name: str, prompt: str = LONG, **more: Any) -> list[Any]:
        return events((await self(name, prompt, **more)).text)


def request(name: str, prompt: str, stream: bool, most: int) -> tuple[str, dict[str, str], dict[str, Any]]:
    turns = [{"role": "user", "content": prompt}]
    if STAND_INS[name].dialect == "gemini":
        path = f"/models/{MODELS[name]}:" + ("streamGenerateContent?alt=sse" if stream else "generateContent")
        contents = [{"role": "user", "parts": [{"text": prompt}]}]
        return path, {}, {"contents": contents, "generationConfig": {"maxOutputTokens": most}}
    body = {"model": MODELS[name], "messages": turns, "stream": stream, **CALM.get(name, {})}
    if STAND_INS[name].dialect == "anthropic":
        return "/messages", {"anthropic-version": "2023-06-01"}, {**body, "max_tokens": most}
    limit = "max_completion_tokens" if name in {"openai", "groq"} else "max_tokens"
    return "/chat/completions", {}, {**body, limit: most}


def events(text: str) -> list[Any]:
    """Return the data of each frame, `[DONE]` as that string."""
    found = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    return [each if each == "[DONE]" else json.loads(each) for each in found]


def said(name: str, frames: list[Any]) -> str:
    if STAND_INS[name].dialect == "gemini":
        parts = [p for f in frames for c in f.get("candidates", ()) for p in c["content"]["parts"]]
        return "".join(part.get("text", "") for part in parts if not part.get("thought"))
    if STAND_INS[name].dialect == "anthropic":
        return "".join(f["delta"].get("text", "") for f in frames if f["type"] == "content_block_delta")
    choices = [choice for f in frames if f != "[DONE]" for choice in f["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def usage(name: str, frames: list[Any]) -> Any:
    """Return the usage at the end of a stream."""
    if STAND_INS[name].dialect == "gemini":
        return frames[-1]["usageMetadata"]
    if STAND_INS[name].dialect == "anthropic":
        return next(f["usage"] for f in frames if f["type"] == "message_delta")
    if name == "groq":
        return frames[-2]["x_groq"]["usage"]
    return frames[-2]["usage"]
