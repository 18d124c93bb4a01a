"""LateServer: a local provider that ends the bodies of its responses late."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

OPENAI = (
    b'data: {"choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}],'
    b' "usage": {"prompt_tokens": 9, "completion_tokens": 3}}\n\ndata: [DONE]\n\n'
)
ANTHROPIC = (
    b'data: {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}}\n\n'
    b'data: {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}\n\ndata: {"type": "message_stop"}\n\n'
)


@dataclass
class LateServer:
    """Sends each body at once, but its end only when `end` is set or after `seconds`; counts connections."""

    answer: bytes = OPENAI
    seconds: float = 0.0
    tail: bytes = b""
    end: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    connections: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    answering: set[asyncio.Task[None]] = field(default_factory=set)

    def respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.ensure_future(self._respond(reader, writer))
        self.answering.add(task)
        task.add_done_callback(self.answering.discard)

    async def _respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
                await reader.readexactly(int(length.split(b":")[1]))
                head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
                end = b"" if self.seconds else b"0\r\n\r\n"
                writer.write(head + b"%x\r\n%s\r\n" % (len(self.answer), self.answer) + end)
                if self.seconds:
                    await self._end(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.closed.set()
        finally:
            writer.close()

    async def _end(self, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(self.seconds):
                await self.end.wait()
        except TimeoutError:
            pass
        if self.tail:
            writer.write(b"%x\r\n%s\r\n" % (len(self.tail), self.tail))
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Serve; yield the base URL of a provider. At the end every connection is closed."""
        server = await asyncio.start_server(self.respond, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        async with server:
            try:
                yield self.url
            finally:
                for task in tuple(self.answering):
                    task.cancel()
