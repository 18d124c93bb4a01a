"""Notices to tenants. A notice about a team's money goes to its owner, with the team's name and a button of /team."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from locales.button import Button
from locales.formats import as_code
from storage.alerts.tenant_notices import TenantNotice

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
"""The key of the text for a team's owner, by the key of the text for a person."""


def about(team: str, key: str, values: dict[str, object], buttons: Sequence[Button]) -> Notice:
    """Return key, values and buttons of a notice about a team's money; `team` "" means the reader's own money."""
    return (OF_TEAM[key], {**values, "team": as_code(team)}, (TEAM,)) if team else (key, values, buttons)


def to_tenant(user_id: int, notice: Notice, once: str = "") -> TenantNotice:
    """Return a notice as it is stored. `once`: a name under which only one notice is sent."""
    key, values, buttons = notice
    stored = tuple((each.key, each.command, each.action, *each.args) for each in buttons)
    return TenantNotice(user_id, key, values, stored, once)


def buttons_of(notice: TenantNotice) -> list[Button]:
    """Return the buttons of a stored notice."""
    return [Button(key, command, action, tuple(args)) for key, command, action, *args in notice.buttons]
