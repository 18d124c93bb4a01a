"""The services that handlers use: database, engine, settings and the state of this process."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TypeAlias

from bot.config import BotConfig
from bot.delivery.edits import EditSchedule
from bot.download_limits import DownloadLimits
from bot.running_answers import RunningAnswers
from documents.reading.reader import FileReader
from engine.gateway.gateway import Gateway
from engine.gateway.question import Market
from engine.gateway.transcription import Transcriber
from engine.ports import Clock
from engine.tenancy import Plan
from storage.database.database import Database
from storage.telegram.chat_queue import ChatQueue

Span: TypeAlias = Callable[[str], AbstractContextManager[object]]
"""Returns the context in which an update of a kind is handled, such as a trace of it."""


def no_span(_: str) -> AbstractContextManager[object]:
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Services:
    """The services of one bot. `bot_id` is read from the token."""

    db: Database
    lease_id: str
    gateway: Gateway
    market: Market
    plans: Mapping[str, Plan]
    clock: Clock
    config: BotConfig
    answers: RunningAnswers = field(default_factory=RunningAnswers)
    downloads: DownloadLimits = field(default_factory=DownloadLimits)
    reader: FileReader = field(default_factory=FileReader)
    edit_schedule: EditSchedule = field(default_factory=EditSchedule)
    transcriber: Transcriber | None = None
    span: Span = no_span
    may_call: Callable[[], bool] = lambda: True
    """False while another process may have taken over the answers of this one."""
    after_lapse: Callable[[Callable[[], Awaitable[None]]], None] = lambda _: None
    """Registers an action that runs after a lapse of the lease, before `may_call` is true again."""
    chat_queue: ChatQueue | None = None
    """None: one process answers all chats."""
    bot_id: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bot_id", int(self.config.token.partition(":")[0]))

    @property
    def free_plan(self) -> Plan:
        return next(iter(self.plans.values()))
