"""The search for a time zone."""

from datetime import UTC, datetime

import pytest

from bot.scheduled.zone_search import MOST_FOUND, found_by, offset_text
from locales.places import ZONES_BY_PLACE
from storage.schedules.zones import known_zone

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("berlin", "Europe/Berlin"),
        ("Asia/Ho_Chi_Minh", "Asia/Ho_Chi_Minh"),
        ("asia/ho chi minh", "Asia/Ho_Chi_Minh"),
        ("Sài Gòn", "Asia/Ho_Chi_Minh"),
        ("new york", "America/New_York"),
        ("UTC", "UTC"),
        ("gmt", "UTC"),
        ("+7", "Asia/Ho_Chi_Minh"),
        ("UTC+1", "Europe/Berlin"),
        ("-5", "America/New_York"),
        ("\u22125", "America/New_York"),
        ("+05:30", "Asia/Kolkata"),
        ("+5:45", "Asia/Kathmandu"),
        ("+0", "Europe/London"),
        ("kong", "Asia/Hong_Kong"),
    ],
)
def test_words_find_the_likeliest_zone(words: str, first: str) -> None:
    assert found_by(words, NOW)[0] == first


@pytest.mark.parametrize("words", ["atlantis", "+15", "7", "xx", "", "+5:99", "../../etc/passwd"])
def test_other_words_find_none(words: str) -> None:
    assert found_by(words, NOW) == []


def test_offset_offers_the_fixed_zone_last() -> None:
    found = found_by("+7", NOW)
    assert len(found) <= MOST_FOUND
    assert found[-1] == "Etc/GMT-7"
    assert found_by("-5", NOW)[-1] == "Etc/GMT+5"
    assert found_by("+0", NOW)[-1] == "UTC"


@pytest.mark.parametrize("name", sorted(set(ZONES_BY_PLACE.values())))
def test_zone_of_every_named_place_exists(name: str) -> None:
    assert known_zone(name) is not None


@pytest.mark.parametrize(
    ("name", "text"), [("Asia/Kolkata", "UTC+05:30"), ("America/St_Johns", "UTC-03:30"), ("UTC", "UTC+00:00")]
)
def test_offset_is_written_with_its_sign(name: str, text: str) -> None:
    zone = known_zone(name)
    assert zone is not None
    assert offset_text(zone, NOW) == text


def test_zone_with_two_names_is_found_once() -> None:
    assert found_by("GMT+5:30", NOW)[:2] == ["Asia/Kolkata", "Asia/Colombo"]
    assert found_by("+5:45", NOW) == ["Asia/Kathmandu"]
