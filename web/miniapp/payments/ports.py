"""Ports through which the Mini App reaches Telegram, implemented by the bot; and the settings of payments."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from engine.money import Money
from storage.billing.subscriptions import Subscription
from web.errors import HttpProblem


class StarsPort(Protocol):
    """Payments in Stars at Telegram. Each call raises OSError if Telegram does not answer or refuses."""

    async def username(self) -> str:
        """Return the bot's username."""
        ...

    async def invoice_link(
        self, title: str, description: str, payload: str, label: str, stars: int, *, period_seconds: int | None = None
    ) -> str:
        """Return a link to an invoice, or to a subscription with this period."""
        ...

    async def edit(self, subscription: Subscription, user_id: int, *, cancelled: bool) -> bool | None:
        """Cancel or resume a subscription. Return False if Telegram refuses, None if it can't be reached."""
        ...


class NoticesPort(Protocol):
    """Sends a text of the locales to a user. It raises no error if that fails."""

    async def notify(self, user_id: int, key: str, values: Mapping[str, object]) -> Any: ...


@dataclass(frozen=True, slots=True)
class Payments:
    """Telegram's payments and notices, and the operator's settings of [billing]."""

    stars: StarsPort
    notices: NoticesPort
    per_star: Money
    topups: tuple[Money, ...]
    topup_least: Money
    topup_most: Money
    plans_from: str


TELEGRAM_SILENT = HttpProblem(
    502,
    "Telegram is not responding, so nothing was changed. Please try again.",
    type="api_error",
    code="telegram_silent",
)
