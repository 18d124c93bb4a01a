"""pytest plugin that tests mutants: it collects the tests once, then runs them for each mutant in a separate process.

The mutated module contains mutmut's trampolines: each of its functions runs the copy that MUTANT_UNDER_TEST names. The
collecting process runs no test and no fixture, so that a fork inherits no thread, socket or database.
"""

import contextlib
import gc
import importlib
import itertools
import json
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import ceil
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from pathlib import Path

import pytest

ACTIVE = "MUTANT_UNDER_TEST"  # the variable that mutmut's trampolines read
RECORD = "stats"  # with this value the trampolines report each called function
LEAST_SECONDS = 10  # for tests that wait and use no processor time
LEAST_PROCESSOR_SECONDS = 5  # a mutant in an endless loop is stopped sooner than one that waits
SECONDS_FOR_EACH = 15  # seconds allowed for each second that the tests take without a mutant
PROCESSOR_SECONDS_FOR_EACH = 5

_SURVIVED = 64  # exit code of a survivor, distinct from all other ends of the process
_FORK = multiprocessing.get_context("fork")
_MEMORY = Path("/dev/shm")  # noqa: S108 - only fresh folders of `tempfile` go there


@dataclass(frozen=True, slots=True)
class Recording:
    """The tests that call each function and the duration of each test; tests are numbered in collection order."""

    callers: dict[str, list[int]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def tests_of(self, mutant: str) -> list[int]:
        """Return the tests that call the mutated function, the fastest first."""
        return sorted(self.callers.get(function_of(mutant), []), key=self.seconds.__getitem__)

    def limits_seconds(self, mutant: str) -> tuple[float, int]:
        """Return the wall time and the processor time after which the mutant counts as hanging."""
        usual = sum(self.seconds[test] for test in self.tests_of(mutant))
        processor = LEAST_PROCESSOR_SECONDS + ceil(PROCESSOR_SECONDS_FOR_EACH * usual)
        return LEAST_SECONDS + SECONDS_FOR_EACH * usual, processor


@dataclass(frozen=True, slots=True)
class MutantProcess:
    """The fork that runs the tests of one mutant, within `limit_seconds` after `started`."""

    mutant: str
    process: ForkProcess
    folder: Path
    started: float
    limit_seconds: float

    def remaining_seconds(self) -> float:
        """Return the time left, not counting the time that its threads waited for a processor."""
        return self.started + self.limit_seconds + queued_seconds(self.process.pid) - time.monotonic()

    def status(self) -> str:
        """Return the mutant's status after it has ended or used up its time; its process is then gone."""
        is_hanging = self.process.is_alive()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid or 0, signal.SIGKILL)
        self.process.kill()
        self.process.join()
        shutil.rmtree(self.folder, ignore_errors=True)
        if is_hanging or self.process.exitcode == -signal.SIGXCPU:
            return "timeout"
        return "survived" if self.process.exitcode == _SURVIVED else "killed"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that `tools.mutants` passes."""
    group = parser.getgroup("mutants")
    group.addoption("--mutants", type=Path, help="JSON list with the names of the mutants to test")
    group.addoption("--mutant-results", type=Path, help="file to which `name: status` is appended for each")
    group.addoption("--mutant-children", type=int, default=1, help="mutants tested at the same time")


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Test the mutants instead of running the tests once. Raises UsageError if a test fails without a mutant."""
    options = session.config.option
    if options.mutants is None:
        return None
    names: list[str] = json.loads(options.mutants.read_text())
    gc.collect()
    gc.freeze()  # otherwise the first collection in each fork would copy the pages of all objects
    recording = record(session)
    if recording.failed:
        raise pytest.UsageError(f"these tests fail without a mutant: {' '.join(recording.failed)}")
    with options.mutant_results.open("a") as out:
        for name, status in statuses(session, names, recording, children=options.mutant_children):
            out.write(f"{name}: {status}\n")
            out.flush()
    return True


def statuses(
    session: pytest.Session, names: list[str], recording: Recording, *, children: int
) -> Iterator[tuple[str, str]]:
    """Yield each mutant with its status: killed, survived, timeout, or "no tests" if no test calls its function."""
    active: list[MutantProcess] = []
    for name in names:
        if not recording.tests_of(name):
            yield name, "no tests"
            continue
        while len(active) >= children:
            yield from _finished(active)
        active.append(_start(session, name, recording))
    while active:
        yield from _finished(active)


def record(session: pytest.Session) -> Recording:
    """Run all tests once without a mutant, in a fork. Return the functions that each test calls."""
    recording = Recording()
    receiver, sender = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_isolated, args=(RECORD, None, lambda: sender.send(_recorded(session))))
    process.start()
    sender.close()
    with contextlib.suppress(EOFError):
        recording = receiver.recv()
    process.join()
    if not recording.seconds:
        raise pytest.UsageError("the run without a mutant has crashed")
    return recording


def function_of(mutant: str) -> str:
    """Return the function that a mutant changes, as mutmut's trampolines name it."""
    return mutant.partition("__mutmut_")[0]


def queued_seconds(process_id: int | None) -> float:
    """Return how long the threads of a process waited for a processor on a busy machine; 0 outside Linux."""
    waited = 0
    for thread in Path(f"/proc/{process_id}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):
            waited += int(thread.read_text().split()[1])
    return waited / 1e9


def _start(session: pytest.Session, name: str, recording: Recording) -> MutantProcess:
    seconds, processor_seconds = recording.limits_seconds(name)

    def run() -> bool:
        resource.setrlimit(resource.RLIMIT_CPU, (processor_seconds, processor_seconds + 1))
        return _passed(session, recording.tests_of(name))

    folder = Path(tempfile.mkdtemp(prefix="mutant-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None))
    process = _FORK.Process(target=_isolated, args=(name, folder, run))
    process.start()
    return MutantProcess(name, process, folder, time.monotonic(), seconds)


def _finished(active: list[MutantProcess]) -> Iterator[tuple[str, str]]:
    """Wait until at least one of these has ended or exceeded its time; remove and yield those that have."""
    remaining = min(each.remaining_seconds() for each in active)
    wait([each.process.sentinel for each in active], timeout=max(0.0, remaining))
    for each in list(active):
        if not each.process.is_alive() or each.remaining_seconds() <= 0:
            active.remove(each)
            yield each.mutant, each.status()


def _isolated(mutant: str, folder: Path | None, run: Callable[[], object]) -> None:
    """Run in the fork: own process group, no output, temporary files in `folder`. Exit with _SURVIVED if it passes."""
    code = 1
    try:
        os.setpgid(0, 0)
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, sys.stdout.fileno())
        os.dup2(silence, sys.stderr.fileno())
        tempfile.tempdir = str(folder) if folder else None
        os.environ[ACTIVE] = mutant
        code = _SURVIVED if run() else 1
    finally:
        os._exit(code)  # skips the exit handlers, which belong to the collecting process


def _passed(session: pytest.Session, tests: list[int]) -> bool:
    """Run these tests until one fails. Return whether all have passed."""
    items = [session.items[test] for test in tests]
    for item, following in itertools.zip_longest(items, items[1:]):
        item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return False
    return True


def _recorded(session: pytest.Session) -> Recording:
    recording, called = Recording(), set[str]()
    trampoline = importlib.import_module("mutmut.mutation.trampoline")
    vars(trampoline)["record_trampoline_hit"] = lambda name, **_: called.add(name)
    for number, (item, following) in enumerate(itertools.zip_longest(session.items, session.items[1:])):
        started, failed = time.process_time(), session.testsfailed
        called.clear()
        item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        recording.seconds.append(time.process_time() - started)
        for function in called:
            recording.callers.setdefault(function, []).append(number)
        if session.testsfailed > failed:
            recording.failed.append(item.nodeid)
    return recording
