"""A configured provider that is a local server with the same response to every request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

CONFIG = """
[models.auto]
offers = ["mybox/m"]
usd_per_mtok = "5.00"
[prices."mybox/m"]
input = "0.01"
output = "0.02"
[providers.mybox]
base_url = "{url}"
key_env = "OPENAI_API_KEY"
[plans.free]
requests_per_minute = 100000
"""


@asynccontextmanager
async def responding(status: str, body: bytes, **headers: str) -> AsyncIterator[str]:
    """Serve `body`; yield the base URL. Underscores in the names of headers become hyphens."""
    named = {**{name.replace("_", "-"): value for name, value in headers.items()}, "content-length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
