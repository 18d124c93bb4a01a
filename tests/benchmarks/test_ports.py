"""Free ports."""

import random
import socket

import pytest

from benchmarks.ports import free_port


def test_port_in_use_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as used:
        used.bind(("127.0.0.1", 0))
        taken = used.getsockname()[1]
        offered = iter((taken, taken, 20_000))
        monkeypatch.setattr(random, "randint", lambda *_: next(offered, 20_001))
        assert free_port() != taken


def test_port_is_below_those_of_clients() -> None:
    assert all(20_000 <= free_port() <= 32_000 for _ in range(20))
