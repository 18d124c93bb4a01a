"""A person's time zone in the settings."""

from storage.schedules.zones import zone_of


def test_unknown_zone_in_the_settings_counts_as_utc() -> None:
    assert zone_of({"time_zone": "Mars/Olympus"}).key == "UTC"
    assert zone_of({"time_zone": "../etc/passwd"}).key == "UTC"
    assert zone_of({}).key == "UTC"
