"""RequestMiddleware gives a request that arrived whole the same answer as one that it reads step by step."""

import gzip
import json
import re
from typing import Any

import httpx

from tests.web.conftest import ASKED, RunningApi

CHAT = "/v1/chat/completions"
HELLO: dict[str, Any] = {"model": "auto", "messages": ASKED, "max_tokens": 64}
REQUEST_ID = re.compile("req-[0-9a-f]{32}")
OTHER_ID = re.compile("(resp|msg|item|call|rs)[-_][0-9a-z]+")
CREATED = re.compile('("created"|"created_at"|"completed_at"): ?[0-9.]+')


def chat(**fields: Any) -> bytes:
    return json.dumps({**HELLO, **fields}).encode()


REQUESTS: tuple[tuple[str, bytes, dict[str, str]], ...] = (
    (CHAT, chat(), {}),
    (CHAT, chat(stream=True, stream_options={"include_usage": True}), {}),
    (f"{CHAT}/", chat(), {"origin": "https://example.org"}),
    (CHAT, chat(), {"content-type": "application/json; charset=utf-8"}),
    (CHAT, chat(), {"content-type": "text/plain"}),
    (CHAT, chat(), {"authorization": "Bearer wrong"}),
    (CHAT, chat(), {"authorization": ""}),
    (CHAT, chat(), {"x-api-key": "placeholder"}),
    (CHAT, chat(model="no-such-model"), {}),
    (CHAT, chat(model=""), {}),
    (CHAT, chat(messages=[]), {}),
    (CHAT, chat(temperature=3), {}),
    (CHAT, chat(max_tokens=0), {}),
    (CHAT, chat(n=2), {}),
    (CHAT, chat(service_tier="flex"), {}),
    (CHAT, chat(stream="yes"), {}),
    (CHAT, chat(messages=[{"role": "user", "content": "\ud800"}]), {}),
    (CHAT, chat(reasoning_effort="much"), {}),
    (CHAT, b'{"model": "auto"', {}),
    (CHAT, b"[]", {}),
    (CHAT, b"\xff", {}),
    (CHAT, b"[" * 30_000, {}),
    (CHAT, chat(), {"idempotency-key": "x" * 300}),
    (CHAT, chat(), {"idempotency-key": ""}),
    (CHAT, chat(), {"idempotency-key": "used"}),
    ("/v1/messages", chat(), {"anthropic-version": "2023-06-01"}),
    ("/v1/messages", chat(max_tokens=None), {"anthropic-version": "2023-06-01"}),
    ("/v1/messages/count_tokens", chat(), {"anthropic-version": "2023-06-01"}),
    ("/v1/responses", b'{"model": "auto", "input": "hello", "store": false}', {}),
    ("/v1/responses", b'{"model": "auto"}', {}),
    ("/v1/completions", b'{"model": "auto", "prompt": "hello"}', {}),
    ("/v1/completions", b'{"model": "auto"}', {}),
    ("/v1/embeddings", b'{"model": "no-such-model", "input": "hello"}', {}),
    ("/v1/models", chat(), {}),
    ("/v1/nothing", chat(), {}),
)


def shown(answer: httpx.Response) -> tuple[int, dict[str, str], str]:
    """Return everything that must be equal: without ids, times, and values that grow with each request."""
    varies = {"date", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", "content-length"}
    headers = {name: value for name, value in answer.headers.items() if name not in varies}
    for name in {"x-request-id", "request-id"} & headers.keys():
        headers[name] = REQUEST_ID.sub("req", headers[name])
    text = CREATED.sub(r"\1", OTHER_ID.sub(r"\1", REQUEST_ID.sub("req", answer.text)))
    return answer.status_code, headers, text


async def test_both_ways_answer_alike(api: RunningApi) -> None:
    async with api.http() as http:
        # the key is remembered after this request
        await http.post(CHAT, json=HELLO, headers={"idempotency-key": "used"})
        for path, body, more in REQUESTS:
            sent = {"content-type": "application/json", **more}
            at_once = await http.post(path, content=body, headers=sent)
            in_steps = await http.post(path, content=gzip.compress(body), headers={**sent, "content-encoding": "gzip"})
            assert shown(at_once) == shown(in_steps), (path, body[:200], more)
