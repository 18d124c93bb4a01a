"""Ports of the jobs: notifications and Telegram Stars. The bot implements them."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from locales.button import Button
from storage.alerts.admin_notices import Undelivered
from storage.billing.reconciliation import StarEntry
from storage.billing.subscriptions import Subscription
from storage.reports.usage import UsageSpan

log = logging.getLogger(__name__)


Sent: TypeAlias = tuple[int, int]
"""A message in a chat that can be edited or replied to: (chat id, message id)."""


class Notifier(Protocol):
    """Sends messages. A text is a key of the locales with values; the bot translates it. No method raises an error."""

    @property
    def admins(self) -> tuple[int, ...]:
        """The Telegram ids of the admins who can receive messages."""
        ...

    async def deliver(
        self,
        user_id: int,
        key: str,
        values: Mapping[str, object],
        buttons: Sequence[Button] = (),
        *,
        reply_to: int | None = None,
        chart: UsageSpan | None = None,
    ) -> Sent | Undelivered:
        """Send a message, as a reply to the message `reply_to` of that chat, or below the margin chart of a span."""
        ...

    async def notify(
        self, user_id: int, key: str, values: Mapping[str, object], buttons: Sequence[Button] = ()
    ) -> Sent | None: ...

    async def deliver_at_once(self, admin: int, key: str, values: Mapping[str, object]) -> Sent | None:
        """Send a message to an admin although the database can't be used. Return None if that failed."""
        ...

    async def remember_admins(self) -> None:
        """Read the language and the time zone of the admins, which `deliver_at_once` needs."""
        ...

    async def edit(self, sent: Sent, key: str, values: Mapping[str, object], buttons: Sequence[Button] = ()) -> bool:
        """Edit a message. Return False if Telegram can't be reached, so that it must be tried again."""
        ...


class TelegramFacts(Protocol):
    """Facts about this machine, derived from Telegram's answers."""

    @property
    def clock_skew_seconds(self) -> float | None:
        """Telegram's time minus this machine's; None before the first answer."""
        ...

    @property
    def conflict_at(self) -> datetime | None:
        """The last time when Telegram reported that another process polls this bot; None: never."""
        ...


class StarsBook(Protocol):
    """Telegram's list of Star transactions. The bot implements it."""

    @property
    def bot_id(self) -> int: ...

    async def page(self, offset: int) -> list[StarEntry]:
        """Return up to 100 transactions from `offset` on, oldest first; [] at the end. Raises OSError if offline."""
        ...

    async def cancel(self, subscription: Subscription, user_id: int) -> bool | None:
        """Cancel a subscription.

        Return False if Telegram refuses, None if it can't be reached, so that it must be tried again.
        """
        ...


class LoggingNotifier:
    """A notifier for a service without a bot: it writes to the log."""

    async def notify(
        self, user_id: int, key: str, values: Mapping[str, object], buttons: Sequence[Button] = ()
    ) -> Sent | None:
        log.info("no bot to tell user %s: %s %s%s", user_id, key, dict(values), " (buttons)" if buttons else "")
        return None

    @property
    def admins(self) -> tuple[int, ...]:
        """One reader: the log."""
        return (0,)

    async def deliver(
        self,
        user_id: int,  # noqa: ARG002
        key: str,
        values: Mapping[str, object],
        buttons: Sequence[Button] = (),
        *,
        reply_to: int | None = None,  # noqa: ARG002
        chart: UsageSpan | None = None,  # noqa: ARG002
    ) -> Sent | Undelivered:
        log.warning("no bot to tell the admins: %s %s%s", key, dict(values), " (buttons)" if buttons else "")
        return Undelivered.REFUSED

    async def deliver_at_once(self, admin: int, key: str, values: Mapping[str, object]) -> Sent | None:  # noqa: ARG002
        log.warning("no bot to tell the admins: %s %s", key, dict(values))
        return None

    async def remember_admins(self) -> None:
        """Do nothing: the log has no reader's language."""

    async def edit(self, sent: Sent, key: str, values: Mapping[str, object], buttons: Sequence[Button] = ()) -> bool:  # noqa: ARG002
        """Do nothing: no message was sent."""
        return True
