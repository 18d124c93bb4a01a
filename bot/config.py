"""The settings of the bot, as plain values."""

from dataclasses import dataclass

from engine.money import Money
from storage.invoices.invoices import Seller

APP_PATH = "/app"
"""The path of the Mini App, below the address of HTTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotConfig:
    """The part of the settings that the bot needs; main reads them from the environment and farthing.toml.

    `per_star`: the credit for one Star; `payout_per_star`: the operator's income from one. `app_links`: the users who
    may open the Mini App in a browser.
    """

    token: str
    per_star: Money
    payout_per_star: Money
    api_url: str = "https://api.telegram.org"
    proxy: str = ""
    admin_ids: frozenset[int] = frozenset()
    public_url: str = ""
    show_costs: bool = False
    topups: tuple[Money, ...] = ()
    topup_least: Money = Money(10**9)
    topup_most: Money = Money(130 * 10**9)
    plans_from: str = "stars"
    access_mode: str = "open"
    files_per_minute: int = 10
    bytes_per_day: int = 200_000_000
    footer: bool = True
    comment_seconds: float = 0.2
    file_seconds: float = 2.5
    talk_tokens: int = 1000
    outside: str = "off"
    name_conversations: bool = False
    keep_days: int = 30
    schedule_least_hours: int = 1
    schedule_most: int = 5
    schedule_late_hours: int = 6
    http_url: str = ""
    app_links: str = "everyone"
    seller: str = ""
    invoice_seller: Seller = Seller()
