"""Running: a trial under way, in a task of its own: whoever waits for it may be interrupted, it is not."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.chat import Delta, Finished
from engine.errors import ProviderError
from engine.gateway.trial import Trial

Emit: TypeAlias = "Callable[[Running, Delta | Finished], None]"


@dataclass(slots=True, eq=False)
class Running:
    """`spoke` is set with its first word. Nobody hears of it any more once `heard` is False."""

    trial: Trial
    emit: Emit
    heard: bool = True
    rivals: tuple["Running", ...] = ()
    spoke: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] = field(init=False)

    def __post_init__(self) -> None:
        name = f"{self.trial.quote.offer.name} for {self.trial.request.id}"
        self.task = asyncio.create_task(self.trial.run(self._pass_on), name=name)

    def _pass_on(self, event: Delta | Finished) -> None:
        if not self.heard:
            return
        for rival in self.rivals:  # the first word of one is the last of the others
            rival.heard = False
        self.rivals = ()
        self.spoke.set()
        self.emit(self, event)

    async def outcome(self) -> ProviderError | None:
        """None when it has answered. Raises what is no provider's doing."""
        await asyncio.wait({self.task})
        error = self.task.exception()
        if error is None or isinstance(error, ProviderError):
            return error
        raise error

    async def speaks_or_ends(self, seconds: float | None = None) -> bool:
        """Wait for its first word, or its end. False when neither came in time."""
        if self.spoke.is_set() or self.task.done():
            return True
        speaking = asyncio.create_task(self.spoke.wait())
        try:
            done, _ = await asyncio.wait({speaking, self.task}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            speaking.cancel()
        return bool(done)

    async def hang_up(self) -> None:
        """Close its socket, and come back when it is closed."""
        self.heard = False
        self.task.cancel()
        await asyncio.wait({self.task})
        if not self.task.cancelled():
            self.task.exception()  # seen
