"""The kinds of incidents: their order, their texts in each language, and the values that the texts need."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

import locales
from bot.notify import translated
from engine.money import Money
from scheduler.alert_kinds import KINDS, past_text, rank
from scheduler.incidents import RECOVERY, REPLY
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
    "database_gone": {"since": "12:00", "reason": "disk full"},
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


RECOVERIES: dict[str, dict[str, object]] = {
    "provider_down": {"prompts": 4, "cost": Money(10**7), "more": ""},
    "offer_down": {"prompts": 4, "cost": Money(10**7), "more": ""},
    "balance_low": {"provider": "deepseek", "balance": Money(5 * 10**9)},
}


def past(kind: str, language: str, **recovery: object) -> str:
    facts = {**incident(kind).facts, "since": NOW - timedelta(minutes=2), RECOVERY: {"minutes": 3, **recovery}}
    key, values = past_text(replace(incident(kind), closed_at=NOW + timedelta(minutes=7), facts=facts))
    return locales.text(language, key, **{name: translated(language, value) for name, value in values.items()})


@pytest.mark.parametrize("language", ["en", "vi"])
@pytest.mark.parametrize("kind", KINDS)
def test_incident_that_is_over_is_told_in_the_past_tense_with_its_duration(kind: str, language: str) -> None:
    text = past(kind, language, **RECOVERIES.get(kind, {}))
    assert "{" not in text
    assert " 9 min" in text or " 9 phút" in text
    assert "00:07" in text
    assert "23:58" in text
    assert text.endswith(locales.text(language, "alert.late"))


def test_past_outage_tells_its_detour_and_a_past_low_balance_the_new_one() -> None:
    assert "Meanwhile others answered 4 prompts for 1 ¢." in past("provider_down", "en", **RECOVERIES["provider_down"])
    assert "It was topped up: $5.00 are there now." in past("balance_low", "en", **RECOVERIES["balance_low"])


def test_past_outage_of_a_removed_provider_says_that_it_was_removed() -> None:
    text = past("provider_down", "en", subject="deepseek", **{REPLY: "alert.removed"})
    assert "deepseek is no longer configured" in text
    assert "others answered" not in text


def test_sentence_of_a_status_page_is_no_markup() -> None:
    values = {name: translated("en", value) for name, value in KINDS["provider_down"].values(OUTAGE).items()}
    assert "Its status page says: `Partial *outage* 'now'`" in locales.text("en", "alert.provider_down", **values)


@pytest.mark.parametrize("kind", [each for each in KINDS if each != "database_gone"])
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
