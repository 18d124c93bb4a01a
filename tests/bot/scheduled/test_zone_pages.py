"""The choice of a time zone: the likely ones by language."""

import pytest

from bot.scheduled.zone_pages import _BY_LANGUAGE, _ELSEWHERE
from storage.schedules.zones import known_zone
from tests.bot.commands.conftest import Chat


@pytest.mark.parametrize("names", [_ELSEWHERE, *_BY_LANGUAGE.values()])
def test_every_offered_zone_exists(names: tuple[str, ...]) -> None:
    assert [name for name in names if known_zone(name) is None] == []


@pytest.mark.parametrize(
    ("language", "city"), [("vi", "TP Hồ Chí Minh"), ("pt-BR", "São Paulo"), ("sv", "London"), ("en", "New York")]
)
async def test_likely_zones_come_first(chat: Chat, language: str, city: str) -> None:
    chat.language = language
    await chat.say("/timezone")
    labels = [label for label, _ in chat.buttons()]
    assert any(city in label for label in labels)
    assert "UTC" in labels
