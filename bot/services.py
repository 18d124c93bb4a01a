"""What handlers work with, and what the operator has set."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from telegram.ext import ExtBot

from bot.chat.download_limits import Downloads
from bot.delivery.edits import Turns
from engine.gateway.answer import Answer
from engine.gateway.gateway import Gateway
from engine.gateway.market import Market
from engine.gateway.transcription import Transcriber
from engine.money import Money
from engine.ports import Clock
from engine.tenancy import Plan
from storage.database.database import Database
from storage.invoices.invoices import Seller
from storage.telegram.inbox import ClaimedUpdate

if TYPE_CHECKING:
    from bot.notify import TelegramNotifier

claimed_update: ContextVar[ClaimedUpdate | None] = ContextVar("claimed_update", default=None)
"""The inbox row that the running handler answers."""


MOST_FORGETTING = 10_000


@dataclass(frozen=True, slots=True)
class BotConfig:
    """Plain values; settings are main's."""

    token: str
    api_url: str = "https://api.telegram.org"
    admin_ids: frozenset[int] = frozenset()
    public_url: str = ""
    show_costs: bool = False
    per_star: Money = Money(13_000_000)
    topups: tuple[Money, ...] = ()
    topup_least: Money = Money(10**9)
    topup_most: Money = Money(130 * 10**9)
    plans_from: str = "stars"
    access_mode: str = "open"
    files_per_minute: int = 10
    bytes_per_day: int = 200_000_000
    footer: bool = False
    http_url: str = ""
    seller: str = ""
    payout_per_star: Money = Money(13_000_000)
    invoice_seller: Seller = Seller()


@dataclass(frozen=True, slots=True)
class Ask:
    """A button of a notice."""

    key: str
    command: str
    action: str
    args: tuple[str, ...] = ()


@dataclass(slots=True)
class Answers:
    """The answers being given, so that /stop and the Stop button reach them."""

    _running: dict[tuple[int, int], Answer] = field(default_factory=dict)
    _forgetting: set[tuple[int, int]] = field(default_factory=set)

    def begin(self, chat_id: int, thread_id: int, answer: Answer) -> None:
        self._running[chat_id, thread_id] = answer

    def end(self, chat_id: int, thread_id: int) -> None:
        self._running.pop((chat_id, thread_id), None)

    def stop(self, chat_id: int, thread_id: int | None = None) -> bool:
        """Stop what runs in that chat (and thread); False when nothing does."""
        found = [
            answer
            for (chat, thread), answer in self._running.items()
            if chat == chat_id and thread_id in (None, thread)
        ]
        for answer in found:
            answer.stop()
        return bool(found)

    def forgets(self, chat_id: int, thread_id: int) -> bool:
        """A conversation has outgrown its model; True the first time, when it is worth saying."""
        known = (chat_id, thread_id) in self._forgetting
        if len(self._forgetting) >= MOST_FORGETTING:
            self._forgetting.clear()
        self._forgetting.add((chat_id, thread_id))
        return not known


@dataclass(frozen=True, slots=True)
class Services:
    """One per bot. `bot_id` is in the token."""

    db: Database
    lease_id: str
    gateway: Gateway
    market: Market
    plans: Mapping[str, Plan]
    clock: Clock
    config: BotConfig
    answers: Answers = field(default_factory=Answers)
    downloads: Downloads = field(default_factory=Downloads)
    turns: Turns = field(default_factory=Turns)
    transcriber: Transcriber | None = None

    @property
    def bot_id(self) -> int:
        return int(self.config.token.partition(":")[0])

    def notifier(self, bot: ExtBot[int]) -> "TelegramNotifier":
        """Speaks to operators and users by key."""
        from bot.notify import TelegramNotifier  # noqa: PLC0415 - it knows us

        return TelegramNotifier(bot, self)

    @property
    def free_plan(self) -> Plan:
        return next(iter(self.plans.values()))
