"""A stand-in for a pooler before PostgreSQL: it refuses the `options` of a new connection, or drops them."""

import selectors
import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

REFUSAL = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0"
"""PgBouncer 1.18 without `ignore_startup_parameters`."""


class _Pooler(socketserver.ThreadingTCPServer):
    daemon_threads = True
    server_socket: str
    refuses: bool


class _Client(socketserver.BaseRequestHandler):
    server: _Pooler

    def handle(self) -> None:
        length = struct.unpack("!I", self.request.recv(4, socket.MSG_WAITALL))[0]
        startup = self.request.recv(length - 4, socket.MSG_WAITALL)
        version, words = startup[:4], startup[4:].rstrip(b"\0").split(b"\0")
        given = dict(zip(words[::2], words[1::2], strict=True))
        if given.pop(b"options", None) and self.server.refuses:
            self.request.sendall(b"E" + struct.pack("!I", 4 + len(REFUSAL)) + REFUSAL)
            return
        rest = version + b"".join(b"%s\0%s\0" % each for each in given.items()) + b"\0"
        with socket.socket(socket.AF_UNIX) as postgres:
            postgres.connect(self.server.server_socket)
            postgres.sendall(struct.pack("!I", 4 + len(rest)) + rest)
            with suppress(OSError):
                _relay(self.request, postgres)


def _relay(one: socket.socket, other: socket.socket) -> None:
    with selectors.DefaultSelector() as ready:
        ready.register(one, selectors.EVENT_READ, other)
        ready.register(other, selectors.EVENT_READ, one)
        while True:
            for key, _ in ready.select():
                data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                if not data:
                    return
                key.data.sendall(data)


@contextmanager
def pooled(folder: Path, database: str, *, refuses: bool) -> Iterator[str]:
    """Yield the URL of a database through a pooler. `folder`: the server's."""
    with _Pooler(("127.0.0.1", 0), _Client) as pooler:
        pooler.server_socket, pooler.refuses = f"{folder}/.s.PGSQL.5432", refuses
        thread = threading.Thread(target=pooler.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            port = pooler.server_address[1]
            yield f"postgresql://postgres@127.0.0.1:{port}/{database}?sslmode=disable&gssencmode=disable"
        finally:
            pooler.shutdown()
            thread.join()
