"""Sockets that systemd opened for this process (sd_listen_fds), so that the port stays open during a restart."""

import os
import socket
from collections.abc import Mapping

FIRST = 3
"""The number of the first file descriptor that systemd passes."""


def inherited_sockets(variables: Mapping[str, str] = os.environ) -> list[socket.socket]:
    """Return the listening sockets passed to this process; [] if it must open its own port."""
    number = variables.get("LISTEN_FDS", "")
    if variables.get("LISTEN_PID") != str(os.getpid()) or not number.isdecimal():
        return []
    return [socket.socket(fileno=FIRST + each) for each in range(int(number))]
