"""The search for a time zone by typed words: a city, a country, a zone's name, an offset."""

import re
import zoneinfo
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from babel.core import get_global

from locales.places import ZONES_BY_PLACE
from storage.schedules.zones import UTC_NAME, known_zone

MOST_FOUND = 8
_SHORT = 2
_UTC = dict.fromkeys(("utc", "gmt", "z"), UTC_NAME)
_OFFSET = re.compile(r"(?:utc|gmt)?\s*([+\-\N{MINUS SIGN}])\s*(\d{1,2})(?::?([0-5]\d))?", re.IGNORECASE)
_MOST_OFFSET = timedelta(hours=14)
_PLACES = (
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific",
)  # fmt: skip
_LARGE = (
    "Europe/London", "Europe/Berlin", "Europe/Paris", "Europe/Athens", "Europe/Moscow", "Asia/Dubai", "Asia/Karachi",
    "Asia/Kolkata", "Asia/Dhaka", "Asia/Ho_Chi_Minh", "Asia/Bangkok", "Asia/Jakarta", "Asia/Shanghai", "Asia/Singapore",
    "Asia/Tokyo", "Australia/Sydney", "Pacific/Auckland", "America/Sao_Paulo", "America/New_York", "America/Chicago",
    "America/Denver", "America/Los_Angeles", "America/Mexico_City", "America/Bogota", "Africa/Lagos", "Africa/Cairo",
    "Africa/Johannesburg", "Africa/Nairobi",
)  # fmt: skip
"""The zones of most people: they come first among several that fit."""


def found_by(words: str, now: datetime) -> list[str]:
    """Return the zones that match a city, a zone's name or an offset such as +7, the most likely first."""
    wanted = " ".join(words.replace("_", " ").casefold().split())
    offset = _OFFSET.fullmatch(wanted)
    if offset is not None:
        return _with_offset(offset, now)
    by_name = {name.replace("_", " ").casefold(): name for name in _places()}
    by_city = {spoken.rpartition("/")[2]: name for spoken, name in by_name.items()}
    for exact in (_UTC, ZONES_BY_PLACE, by_name, by_city):
        if wanted in exact:
            return [exact[wanted]]
    # Two letters occur in too many names.
    return _likeliest([name for spoken, name in by_name.items() if wanted in spoken]) if len(wanted) > _SHORT else []


def offset_text(zone: ZoneInfo, now: datetime) -> str:
    """Return a zone's current offset, such as UTC+05:30."""
    offset = now.astimezone(zone).utcoffset() or timedelta()
    sign, minutes = ("-" if offset < timedelta() else "+"), abs(offset) // timedelta(minutes=1)
    return f"UTC{sign}{minutes // 60:02}:{minutes % 60:02}"


def _with_offset(said: re.Match[str], now: datetime) -> list[str]:
    """Return the zones that have this offset now; a zone with a fixed offset, if there is one, comes last."""
    sign, hours, minutes = said.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    if offset > _MOST_OFFSET:
        return []
    offset = offset if sign == "+" else -offset
    found = _likeliest([name for name in _places() if now.astimezone(ZoneInfo(name)).utcoffset() == offset])
    # POSIX counts westwards: Etc/GMT-7 is seven hours ahead of UTC.
    fixed = f"Etc/GMT{'-' if sign == '+' else '+'}{int(hours)}" if not int(minutes or 0) else ""
    named = UTC_NAME if not offset else fixed
    return [*found[: MOST_FOUND - 1], *([named] if named and known_zone(named) else [])]


def _likeliest(names: list[str]) -> list[str]:
    """Return the zones of most people first, and each zone under one of its names."""
    aliases, found = get_global("zone_aliases"), dict[str, str]()
    for name in sorted(names, key=lambda name: (_LARGE.index(name) if name in _LARGE else len(_LARGE), name)):
        found.setdefault(aliases.get(name, name), name)
    return list(found.values())[:MOST_FOUND]


@cache
def _places() -> tuple[str, ...]:
    """Return the zones that are named after a place."""
    return tuple(sorted(name for name in zoneinfo.available_timezones() if name.partition("/")[0] in _PLACES))
