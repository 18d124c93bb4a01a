"""The two peers for benchmarks/gateway.py: a mock provider, and a bare pass-through for comparison."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator

import httpx
import uvicorn
import uvloop
from httpx_aiohttp import AiohttpTransport
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

WORDS = 100
_USAGE = {"prompt_tokens": 20, "completion_tokens": WORDS, "total_tokens": WORDS + 20}


def _frame(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    chunk = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-4o-mini",
        "system_fingerprint": "fp_1",
        "choices": [choice],
    }
    return _event(json.dumps(chunk))


def _event(data: str) -> bytes:
    return f"data: {data}\n\n".encode()


FRAMES = [
    _frame({"role": "assistant", "content": ""}),
    *(_frame({"content": f"word{number} "}) for number in range(WORDS)),
    _frame({}, "stop"),
    _event(json.dumps({"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [], "usage": _USAGE})),
    _event("[DONE]"),
]
MESSAGE = {"role": "assistant", "content": "".join(f"word{number} " for number in range(WORDS))}
WHOLE = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-mini",
        "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}],
        "usage": _USAGE,
    }
).encode()
_JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
_STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection; each frame of a stream is written separately."""
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            lengths = [line for line in head.split(b"\r\n") if line.startswith(b"content-length:")]
            body = await reader.readexactly(int(lengths[0].partition(b":")[2])) if lengths else b""
            if b'"stream":true' not in body.replace(b" ", b""):
                writer.write(_JSON_HEAD % len(WHOLE) + WHOLE)
                continue
            writer.write(_STREAM_HEAD)
            for frame in FRAMES:
                writer.write(b"%x\r\n%b\r\n" % (len(frame), frame))
                await asyncio.sleep(0)
            writer.write(b"0\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def provider(port: int) -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


def bare(port: int, upstream: str) -> None:
    """Serve a pass-through: it sends the same body to the provider, and returns the provider's bytes."""
    client = httpx.AsyncClient(transport=AiohttpTransport(), timeout=60)

    async def health(_: Request) -> Response:
        return Response(b"ok")

    async def complete(request: Request) -> Response:
        body = await request.body()
        headers = {"content-type": "application/json", "authorization": "Bearer k"}
        asked = client.build_request("POST", f"{upstream}/chat/completions", content=body, headers=headers)
        answer = await client.send(asked, stream=True)
        if answer.headers["content-type"].startswith("text/event-stream"):

            async def relayed() -> AsyncIterator[bytes]:
                async for piece in answer.aiter_raw():
                    yield piece
                await answer.aclose()

            return StreamingResponse(relayed(), media_type="text/event-stream")
        content = await answer.aread()
        await answer.aclose()
        return Response(content, media_type="application/json")

    routes = [Route("/health", health), Route("/v1/chat/completions", complete, methods=["POST"])]
    app = Starlette(routes=routes)
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", log_level="error", access_log=False)


def main() -> None:
    kind, port = sys.argv[1], int(sys.argv[2])
    if kind == "provider":
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(provider(port))
    else:
        bare(port, sys.argv[3])


if __name__ == "__main__":
    main()
