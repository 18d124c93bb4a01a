"""Notices about a team's money: they go to its owner, name the team and have the button of /team."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from locales.button import Button
from locales.formats import as_code

Notice: TypeAlias = tuple[str, dict[str, object], Sequence[Button]]
TEAM = Button("button.team", "team", "open")
OF_TEAM: Mapping[str, str] = {
    "alert.quota": "alert.team_quota",
    "alert.quota_full": "alert.team_quota_full",
    "alert.wallet_low": "alert.team_wallet_low",
    "alert.renewed": "alert.team_renewed",
    "alert.changed": "alert.team_changed",
    "alert.unpaid": "alert.team_unpaid",
    "alert.unpaid_stars": "alert.team_unpaid",
    "alert.lapsed": "alert.team_lapsed",
}
"""The text for the owner of a team, by the text for a person."""


def about(team: str, key: str, values: dict[str, object], buttons: Sequence[Button]) -> Notice:
    """Return key, values and buttons of a notice about a team's money; "" is no team, but the reader's own money."""
    return (OF_TEAM[key], {**values, "team": as_code(team)}, (TEAM,)) if team else (key, values, buttons)
