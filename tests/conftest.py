"""No test speaks to anything but this machine."""

import os
import socket
from typing import Any

import pytest
from hypothesis import Phase, settings

os.environ.setdefault("PTB_TIMEDELTA", "1")  # else a RetryAfter warns, and warnings are errors here

settings.register_profile("house", deadline=None, print_blob=True)  # the machines are noisy: no timed tests
settings.register_profile("mutants", deadline=None, max_examples=25, phases=[Phase.explicit, Phase.generate])
settings.load_profile("house")

_LOCAL = ("127.", "::1", "localhost", "0.0.0.0")


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connecting anywhere but loopback fails the test."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def checked(address: Any) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(_LOCAL):
            raise AssertionError(f"a test tried to reach {address[0]}")

    def guarded(self: socket.socket, address: Any) -> None:
        checked(address)
        connect(self, address)

    def guarded_ex(self: socket.socket, address: Any) -> int:
        checked(address)
        return connect_ex(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_ex)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the journeys, the longest tests: one that begins last keeps the other workers waiting for it."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/journeys/"))
