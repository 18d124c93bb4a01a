"""Reasons of rests in the words of the operator's language."""

import re
from dataclasses import dataclass
from typing import cast

import pytest

import locales
from bot.context import Context
from bot.operators.reasons import drop_in_words
from engine.catalog.offers import MissingCapability, Offer
from engine.errors import BalanceGone, KeyRefused, Overloaded, ProviderError, RateLimited
from engine.privacy import LEFT_OUT
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


@dataclass
class ReasonReader:
    """The part of a context that reads texts."""

    language: str

    def t(self, key: str, **values: object) -> str:
        return locales.text(self.language, key, **values)


DROPS = [
    LEFT_OUT,
    *(each.value for each in MissingCapability),
    f"{MissingCapability.IMAGES}, {MissingCapability.TOOLS}",
    "context too short: 8,192 tokens, and about 12,000 are needed",
    "context too short",
    "costs more than the funds left",
    "costs more than it charges, and today has lost enough",
    "its free requests are used up",
    "its retry budget is used up",
    "its price can't be read",
    "no price is known",
    "its bill is not counted in text tokens",
    "drained by an operator",
    "the provider has no such model",
    "one probe is under way",
    "gemini refused the request",
    "rate limited (429), 12 s left",
    "its limit is used up, 3 s left",
    "key refused, until restored",
    "breaker open after overloaded, 5 s left",
]


@pytest.mark.parametrize("reason", DROPS)
def test_reason_of_a_left_out_offer_is_in_the_readers_language(reason: str) -> None:
    english, vietnamese = (drop_in_words(cast("Context", ReasonReader(language)), reason) for language in ("en", "vi"))
    assert vietnamese != english
    assert re.sub(r"\d+ s left|until restored", "", english) == english
    assert not any(word in vietnamese for word in (" the ", " is ", " no ", "takes", "calls"))


def test_numbers_of_a_reason_are_written_for_the_reader() -> None:
    reason = "context too short: 8,192 tokens, and about 12,000 are needed"
    assert (
        drop_in_words(cast("Context", ReasonReader("vi")), reason)
        == "ngữ cảnh quá ngắn: 8.192 token, cần khoảng 12.000"
    )
    assert drop_in_words(cast("Context", ReasonReader("en")), "an unknown reason") == "an unknown reason"
