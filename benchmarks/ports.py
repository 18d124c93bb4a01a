"""Free ports for processes that need a fixed one."""

import random
import socket

_LOWEST, _HIGHEST = 20_000, 32_000  # the kernel assigns client ports above these


def free_port() -> int:
    """Return a port on which no process listens, outside the range that the kernel assigns to connections."""
    while True:
        port = random.randint(_LOWEST, _HIGHEST)
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
