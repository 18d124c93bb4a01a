"""The kinds of incidents: their order, their texts in each language, and the values that the texts need."""

from datetime import UTC, datetime

import pytest

import locales
from bot.notify import translated
from engine.money import Money
from scheduler.alert_kinds import KINDS, rank
from scheduler.incidents import RECOVERY
from storage.alerts.incidents import Incident

NOW = datetime(2026, 11, 30, tzinfo=UTC)
OUTAGE: dict[str, object] = {
    "provider": "deepseek",
    "error": "timeout",
    "count": 5,
    "limited": 2,
    "status": 503,
    "since": "12:00",
    "share": 40,
    "offer": "gemini/m",
    "usd": "0.01",
    "page": "Partial *outage* `now`",
}
FACTS: dict[str, dict[str, object]] = {
    "everything_down": {"count": 0, "since": "12:00", "states": "deepseek: timeout", "models": "smart"},
    "offer_avoided": {"offer": "a/b", "error": "cut", "percent": 7, "since": "12:00", "usd": "0.5"},
    "offer_slow": {"offer": "a/b", "now_ms": 3000, "usual_ms": 500},
    "balance_low": {"provider": "deepseek", "balance": Money(1), "least": Money(2), "lasts": ""},
    "database_slow": {"seconds": 7},
    "disk_low": {"megabytes": 3, "least": 500},
    "clock_wrong": {"off": {"key": "alert.clock_slow", "values": {"seconds": 90}}},
    "other_poller": {"since": "12:00"},
}


def incident(kind: str, number: int = 1) -> Incident:
    facts = {**FACTS.get(kind, OUTAGE), RECOVERY: {"minutes": 3}, "returned": 2}
    return Incident(number, kind, "deepseek/m", NOW, NOW, None, NOW, acknowledged=False, facts=facts)


@pytest.mark.parametrize("language", ["en", "vi"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_text_has_its_values(kind: str, language: str) -> None:
    known = incident(kind)
    values = {name: translated(language, value) for name, value in KINDS[kind].values(known.facts).items()}
    text = locales.text(language, KINDS[kind].key, **values)
    assert "{" not in text
    assert KINDS[kind].recovery_key in locales.LANGUAGES[language].texts


def test_sentence_of_a_status_page_is_no_markup() -> None:
    values = {name: translated("en", value) for name, value in KINDS["provider_down"].values(OUTAGE).items()}
    assert "Its status page says: `Partial *outage* 'now'`" in locales.text("en", "alert.provider_down", **values)


@pytest.mark.parametrize("kind", KINDS)
def test_first_buttons_acknowledge_and_mute_the_incident(kind: str) -> None:
    buttons = KINDS[kind].buttons(incident(kind, 7))
    assert [(each.action, each.args) for each in buttons[:2]] == [("ack", ("7",)), ("mute", ("7",))]
    assert all(button.args == ("deepseek",) for button in buttons[2:])


def test_gravest_then_oldest_comes_first() -> None:
    found = [
        incident("disk_low", 1),
        incident("provider_down", 3),
        incident("provider_down", 2),
        incident("everything_down", 9),
    ]
    assert [each.id for each in sorted(found, key=rank)] == [9, 2, 3, 1]
