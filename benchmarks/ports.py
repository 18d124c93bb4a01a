"""Ports for processes that must be told theirs."""

import random
import socket

_LOWEST, _HIGHEST = 20_000, 32_000  # the kernel takes the ports of clients from those above


def free_port() -> int:
    """Return a port that no one listens at, and that no connection is given meanwhile."""
    while True:
        port = random.randint(_LOWEST, _HIGHEST)
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
