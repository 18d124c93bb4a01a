"""Settings of all tests. No test may connect to another machine."""

import contextlib
import gc
import importlib
import os
import socket
import sys
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import Phase, settings

from tests.databases import memory_folder

os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory_folder()))  # a commit to a disk would take milliseconds
os.environ.setdefault("PTB_TIMEDELTA", "1")  # otherwise a RetryAfter warns, and warnings are errors here

settings.register_profile("house", deadline=None, print_blob=True)  # no time limits, because the machines are noisy
settings.register_profile("mutants", deadline=None, max_examples=25, phases=[Phase.explicit, Phase.generate])
settings.load_profile("house")

LONGEST = ("test_replicas.py", "test_kills.py", "test_clock.py")
_LOCAL = ("127.", "::1", "localhost", "0.0.0.0")

# Workers and the programs that they start share compiled modules: compiling anew would take a minute of a run.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_sessionstart(session: pytest.Session) -> None:
    """Let each worker compile its share of the tests first, so that no module is compiled by all at the same time."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    if worker and session.config.args == session.config.getini("testpaths"):
        root = session.config.rootpath
        for path in sorted(root.glob("tests/**/test_*.py"))[int(worker) :: _workers()]:
            with contextlib.suppress(Exception, pytest.skip.Exception):  # the collection reports the error
                importlib.import_module(".".join(path.relative_to(root).with_suffix("").parts))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Exclude the objects of the collection from garbage collection, which would scan two million of them each time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def _workers() -> int:
    return int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail every test that connects to an address other than loopback."""
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
    """Let each worker begin with its share of the journeys, the longest tests, so that none is left for the end.

    xdist gives each worker an equal number of consecutive tests; workers that finish early take tests from others.
    """
    workers, total = _workers(), len(items)
    journeys: dict[str, list[pytest.Item]] = {name: [] for name in LONGEST}
    others: list[pytest.Item] = []
    for item in items:
        is_journey = item.nodeid.startswith("tests/journeys/")
        (journeys.setdefault(item.path.name, []) if is_journey else others).append(item)
    items.clear()
    for worker in range(workers):
        for module in list(journeys.values())[worker::workers]:
            items += module
        number = max(0, total * (worker + 1) // workers - len(items))
        items += others[:number]
        del others[:number]
    items += others
