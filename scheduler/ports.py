"""Ports of the jobs: notifications and Telegram Stars. The bot implements them."""

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

from locales.button import Button
from storage.billing.reconciliation import StarEntry
from storage.billing.subscriptions import Subscription

log = logging.getLogger(__name__)


Sent: TypeAlias = tuple[int, int]
"""A message in a chat that can be edited or replied to: (chat id, message id)."""


class Notifier(Protocol):
    """Sends messages. A text is a key of locales with values; the bot translates it. No method raises."""

    async def notify(
        self, user_id: int, key: str, values: Mapping[str, object], buttons: Sequence[Button] = ()
    ) -> Sent | None: ...

    async def notify_admins(
        self, key: str, values: Mapping[str, object], buttons: Sequence[Button] = ()
    ) -> list[Sent]: ...

    async def edit(
        self, sent: Sent, key: str, values: Mapping[str, object], buttons: Sequence[Button] = ()
    ) -> None: ...

    async def reply(self, sent: Sent, key: str, values: Mapping[str, object]) -> Sent | None: ...


class StarsBook(Protocol):
    """Telegram's list of Star transactions. The bot implements it."""

    @property
    def bot_id(self) -> int: ...

    async def page(self, offset: int) -> list[StarEntry]:
        """Return up to 100 transactions from `offset` on, oldest first; [] at the end. Raises OSError offline."""
        ...

    async def cancel(self, subscription: Subscription, user_id: int) -> bool | None:
        """Cancel it. Returns False where Telegram refuses for good, None where it can't be reached: try again."""
        ...


class LoggingNotifier:
    """A notifier without a bot: it writes to the log."""

    async def notify(
        self, user_id: int, key: str, values: Mapping[str, object], buttons: Sequence[Button] = ()
    ) -> Sent | None:
        log.info("no bot to tell user %s: %s %s%s", user_id, key, dict(values), " (buttons)" if buttons else "")
        return None

    async def notify_admins(self, key: str, values: Mapping[str, object], buttons: Sequence[Button] = ()) -> list[Sent]:
        log.warning("no bot to tell the admins: %s %s%s", key, dict(values), " (buttons)" if buttons else "")
        return []

    async def edit(self, sent: Sent, key: str, values: Mapping[str, object], buttons: Sequence[Button] = ()) -> None:
        """Do nothing: no message was sent."""

    async def reply(self, sent: Sent, key: str, values: Mapping[str, object]) -> Sent | None:  # noqa: ARG002
        return None
