"""The container: migration at the start, state loaded from the database, and state saved at the end."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from engine.catalog.offers import Offer
from engine.routing.health import State
from main.clock import SystemClock
from main.container import ensure_schema, open_container
from main.settings import Settings, read
from storage.database.database import migrations_pending, open_database
from storage.operations import learned_sizes, provider_state
from storage.reports import journal


def settings_of(folder: Path, toml: str = "", **variables: str) -> Settings:
    (folder / "farthing.toml").write_text(toml)
    paths = {"FARTHING_CONFIG": str(folder / "farthing.toml"), "DATABASE_URL": f"sqlite:///{folder}/farthing.db"}
    return read({**paths, **variables}, folder / "no.env")


async def test_sqlite_is_migrated_at_the_start(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    for _ in range(2):
        await ensure_schema(settings)
    async with open_database(settings.env.database_url) as db:
        assert not await db.read(migrations_pending)


async def test_sqlite_can_be_migrated_by_a_process_of_its_own(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    await ensure_schema(settings, apart=True)
    async with open_database(settings.env.database_url) as db:
        assert not await db.read(migrations_pending)


async def test_migration_that_fails_in_its_own_process_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(tmp_path)
    (tmp_path / "broken.toml").write_text("[")
    monkeypatch.setenv("FARTHING_CONFIG", str(tmp_path / "broken.toml"))
    with pytest.raises(OSError, match="could not be migrated"):
        await ensure_schema(settings, apart=True)


async def test_damaged_database_is_an_error_with_advice(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    (tmp_path / "farthing.db").write_text("no database " * 500)
    with pytest.raises(OSError, match="main restore"):
        await ensure_schema(settings)


async def test_drained_providers_stay_drained_after_a_restart(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, GEMINI_API_KEY="k", OPENAI_API_KEY="k")
    async with open_container(settings) as container:
        for name in ("gemini", "removed"):
            drain = partial(provider_state.set_drained, name=name, is_drained=True, now=container.clock.now())
            await container.db.write(drain)
    async with open_container(settings) as container:
        states = {state.name: state.state for state in container.market.health.states()}
    assert (states["gemini"], states["openai"]) == (State.DRAINED, State.CLOSED)
    assert "removed" not in states


async def test_used_free_requests_are_counted_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offer = Offer("gemini", "gemini-2.5-flash-lite")
    toml = f'[free."{offer.name}"]\nrequests_per_minute = 15\nrequests_per_day = 1000\n'
    monkeypatch.setattr(journal, "attempts_since", lambda _, **__: 7)
    async with open_container(settings_of(tmp_path, toml, GEMINI_API_KEY="k")) as container:
        left = container.market.catalog.free.left(offer, container.clock.now())
    assert left is not None
    assert left.today == 993


async def test_learned_sizes_are_saved_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[object] = []
    monkeypatch.setattr(learned_sizes, "save", lambda _, sizes: saved.append(sizes))
    async with open_container(settings_of(tmp_path)) as container:
        sizes = container.market.catalog.sizes
        assert saved == []
    assert saved == [sizes]


@pytest.mark.parametrize(("toml", "is_set"), [("", False), ('[house]\nusd_per_day = "5"\n', True)])
async def test_spending_caps_come_from_the_config(tmp_path: Path, toml: str, *, is_set: bool) -> None:
    async with open_container(settings_of(tmp_path, toml)) as container:
        assert container.caps.is_set is is_set


@pytest.mark.parametrize(("toml", "hedges"), [("", False), ("[routing]\nhedge = true\n", True)])
async def test_hedging_is_off_unless_configured(tmp_path: Path, toml: str, *, hedges: bool) -> None:
    async with open_container(settings_of(tmp_path, toml)) as container:
        assert (container.market.hedging is not None) is hedges


async def test_health_section_is_the_policy(tmp_path: Path) -> None:
    async with open_container(
        settings_of(tmp_path, "[health]\nidle_seconds = 7\nfirst_token_seconds_thinking = 90\n")
    ) as container:
        assert container.market.policy.idle_seconds == 7
        assert container.market.policy.first_token_seconds_thinking == 90


def test_system_clock_is_aware_utc_and_monotonic() -> None:
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert abs((datetime.now(UTC) - clock.now()).total_seconds()) < 5
    assert clock.monotonic() <= clock.monotonic()
