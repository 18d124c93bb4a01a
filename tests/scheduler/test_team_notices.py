"""Notices about a team's money, compared with those about a person's own."""

import pytest

import locales
from locales.button import Button
from scheduler.team_notices import OF_TEAM, TEAM, about, buttons_of, to_tenant

TOPUP = Button("button.topup", "topup", "open")
VALUES = {"percent": 80, "left": 9, "renews": "today", "wallet": "$1", "plan": "pro"}


def test_persons_notice_stays_as_it_is() -> None:
    assert about("", "alert.quota", VALUES, (TOPUP,)) == ("alert.quota", VALUES, (TOPUP,))


@pytest.mark.parametrize("language", locales.LANGUAGES)
@pytest.mark.parametrize("key", OF_TEAM)
def test_teams_notice_names_the_team_as_it_is_written_with_its_button(key: str, language: str) -> None:
    text, values, buttons = about("*Tea*", key, dict(VALUES), (TOPUP,))
    assert "`*Tea*`" in locales.text(language, text, **values)
    assert buttons == (TEAM,)


def test_buttons_of_a_stored_notice_are_read_as_they_were() -> None:
    buttons = (TOPUP, Button("button.retry", "every", "run", ("7", "now")))
    assert tuple(buttons_of(to_tenant(5, ("alert.quota", VALUES, buttons)))) == buttons
