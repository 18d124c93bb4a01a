"""/alerts: open incidents, with buttons to mute and to acknowledge."""

from datetime import timedelta

import pytest

from storage.alerts import incidents
from storage.database.connection import Connection
from tests.bot.commands.conftest import OLGA, Chat


async def opened(chat: Chat) -> None:
    def unit(conn: Connection) -> None:
        incidents.begin(conn, "provider_down", "deepseek", {}, chat.clock.now())

    await chat.write(unit)


async def test_admin_command_is_unknown_to_others(chat: Chat) -> None:
    assert "I don't know that command" in await chat.say("/alerts")


async def test_no_incident_is_said(chat: Chat) -> None:
    assert await chat.say("/alerts", OLGA) == "No open incidents."


async def test_open_incident_is_listed_with_its_start(chat: Chat) -> None:
    await opened(chat)
    text = await chat.say("/alerts", OLGA)
    assert f"deepseek: down since 24 Nov 2026, {chat.clock.now():%H:%M} UTC" in text
    assert "muted" not in text
    assert "is on it" not in text


@pytest.mark.parametrize(
    ("kind", "subject", "named"),
    [("everything_down", "all", "everything is down"), ("disk_low", "farthing", "disk nearly full")],
)
async def test_incident_of_the_service_is_named_by_its_kind(chat: Chat, kind: str, subject: str, named: str) -> None:
    await chat.write(lambda conn: incidents.begin(conn, kind, subject, {}, chat.clock.now()))
    assert f"\n{named} since 24 Nov 2026" in await chat.say("/alerts", OLGA)
    assert "Muted for an hour." in await chat.press(f"Mute {named} 1 h", OLGA)


async def test_muted_incident_is_marked_for_an_hour(chat: Chat) -> None:
    await opened(chat)
    await chat.say("/alerts", OLGA)
    assert "Muted for an hour." in await chat.press("Mute deepseek", OLGA)
    until = chat.clock.now() + timedelta(hours=1)
    assert f"muted until {until:%H:%M}" in await chat.say("/alerts", OLGA)
    chat.clock.move(hours=1)
    assert "muted" not in await chat.say("/alerts", OLGA)


async def test_acknowledged_incident_is_marked(chat: Chat) -> None:
    await opened(chat)
    await chat.say("/alerts", OLGA)
    assert "Acknowledged" in await chat.press("✓ deepseek", OLGA)
    assert "· Olga is on it" in await chat.say("/alerts", OLGA)
