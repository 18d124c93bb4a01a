"""Ports of the jobs: notifications and Telegram Stars. The bot implements them."""

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

from locales.button import Button
from storage.billing.reconciliation import StarEntry
from storage.billing.subscriptions import Subscription

log = logging.getLogger(__name__)


Sent: TypeAlias = tuple[int, int]
"""A message that stands in a chat, and can be edited or replied to: (chat id, message id)."""


class Notifier(Protocol):
    """Every text is a key of the locales with values: the words are the bot's. Nothing here raises."""

    async def tell(
        self, user_id: int, key: str, values: Mapping[str, object], buttons: Sequence[Button] = ()
    ) -> Sent | None: ...

    async def tell_admins(
        self, key: str, values: Mapping[str, object], buttons: Sequence[Button] = ()
    ) -> list[Sent]: ...

    async def edit(
        self, sent: Sent, key: str, values: Mapping[str, object], buttons: Sequence[Button] = ()
    ) -> None: ...

    async def reply(self, sent: Sent, key: str, values: Mapping[str, object]) -> Sent | None: ...


class StarsBook(Protocol):
    """Telegram's side of the money. The bot implements it."""

    @property
    def bot_id(self) -> int: ...

    async def page(self, offset: int) -> list[StarEntry]:
        """Up to 100 transactions from `offset` on, oldest first; [] at the end. Raises OSError out of reach."""
        ...

    async def cancel(self, subscription: Subscription, user_id: int) -> bool | None:
        """Collect no more. True: done. False: Telegram refuses, for good. None: out of reach, try again."""
        ...


class LoggingNotifier:
    """A notifier without a bot: it writes to the log."""

    async def tell(
        self, user_id: int, key: str, values: Mapping[str, object], buttons: Sequence[Button] = ()
    ) -> Sent | None:
        log.info("no bot to tell user %s: %s %s%s", user_id, key, dict(values), " (buttons)" if buttons else "")
        return None

    async def tell_admins(self, key: str, values: Mapping[str, object], buttons: Sequence[Button] = ()) -> list[Sent]:
        log.warning("no bot to tell the admins: %s %s%s", key, dict(values), " (buttons)" if buttons else "")
        return []

    async def edit(self, sent: Sent, key: str, values: Mapping[str, object], buttons: Sequence[Button] = ()) -> None:
        """Nothing was sent that could be edited."""

    async def reply(self, sent: Sent, key: str, values: Mapping[str, object]) -> Sent | None:  # noqa: ARG002
        return None
