import os
import socket

import pytest

from main.http import inherited
from main.http.inherited import inherited_sockets


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"LISTEN_FDS": "1"},
        {"LISTEN_FDS": "1", "LISTEN_PID": "1"},
        {"LISTEN_FDS": "x", "LISTEN_PID": str(os.getpid())},
        {"LISTEN_PID": str(os.getpid())},
    ],
)
def test_sockets_for_another_process_are_left_alone(variables: dict[str, str]) -> None:
    assert inherited_sockets(variables) == []


def test_sockets_for_this_process_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        monkeypatch.setattr(inherited, "FIRST", os.dup(opened.fileno()))
        (taken,) = inherited_sockets({"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())})
        with taken:
            assert taken.getsockname() == opened.getsockname()
