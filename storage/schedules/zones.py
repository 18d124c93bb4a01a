"""The setting of a person's time zone."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

SETTING = "time_zone"
UTC_NAME = "UTC"


def zone_of(settings: Mapping[str, Any]) -> ZoneInfo:
    """Return the time zone in a tenant's settings; UTC if none is set or the set one is unknown."""
    return known_zone(str(settings.get(SETTING, UTC_NAME))) or ZoneInfo(UTC_NAME)


def known_zone(name: str) -> ZoneInfo | None:
    """Return the zone of exactly this name, if there is one."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        return None
