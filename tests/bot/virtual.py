"""An event loop with virtual time, which passes only while no task is ready: hours take a moment."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
REAL_SECONDS = 0.05


class _Selector(selectors.DefaultSelector):
    """Advances the clock instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.calls = 0

    def select(self, timeout: float | None = None) -> Any:
        if self.calls and timeout != 0:
            return super().select(REAL_SECONDS)
        self.now += timeout or 0.0
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109
        """Wait for the threads however long they take, because they run in real time."""
        await super().shutdown_default_executor()

    def called(self, by: int) -> None:
        """Count running calls over real sockets: virtual time stands still until they return."""
        self._virtual.calls += by


def run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
