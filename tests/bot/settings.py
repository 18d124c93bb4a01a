"""The bot's settings in the tests."""

from typing import Any

from bot.config import BotConfig
from engine.money import Money

STAR = Money(13_000_000)


def bot_config(**changes: Any) -> BotConfig:
    fields: dict[str, Any] = {"token": "1:t", "per_star": STAR, "payout_per_star": STAR, "footer": False}
    return BotConfig(**{**fields, **changes})
