"""Reasons of rests in the words of the operator's language."""

import pytest

from engine.catalog.offers import Offer
from engine.errors import BalanceGone, KeyRefused, Overloaded, ProviderError, RateLimited
from engine.routing.health import Permit
from tests.bot.commands.conftest import OLGA, Chat, chat, database
from tests.storage.conftest import sqlite_template

__all__ = ["chat", "database", "sqlite_template"]


@pytest.mark.parametrize(
    ("language", "error", "times", "words"),
    [
        ("en", KeyRefused("wrong", status=401), 1, "fixed, key refused, m $0.10"),
        ("vi", KeyRefused("wrong", status=401), 1, "khóa bị từ chối, m 0,10 $"),
        ("vi", BalanceGone("empty", status=402), 1, "hết số dư, m 0,10 $"),
        ("vi", Overloaded("busy", status=503), 5, "quá tải, m 0,10 $"),
        ("vi", RateLimited("slow down", status=429, retry_after_seconds=30), 1, "bị giới hạn tốc độ, m 0,10 $"),
    ],
)
async def test_rest_has_its_cause_in_words(
    chat: Chat, language: str, error: ProviderError, times: int, words: str
) -> None:
    health, chat.language = chat.services.market.health, language
    for _ in range(times):
        permit = health.admit(Offer("gemini", "m"))
        assert isinstance(permit, Permit)
        health.failed(permit, error)
    line = next(each for each in (await chat.say("/providers", OLGA)).splitlines() if "gemini" in each)
    assert words in line
    assert "left" not in line
    assert "restored" not in line
