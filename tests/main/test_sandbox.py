"""The settings of the sandbox, and the route that its page shows."""

from pathlib import Path

import pytest

from main import sandbox as running
from main.container import open_container
from main.sandbox import TRANSCRIBER, next_offers, sandbox_settings
from main.settings import Settings, read
from sandbox.app import Sandbox


def settings_of(folder: Path, toml: str = "", **variables: str) -> Settings:
    (folder / "farthing.toml").write_text(toml)
    return read({"FARTHING_CONFIG": str(folder / "farthing.toml"), **variables}, folder / "no.env")


async def test_sandbox_uses_its_own_telegram_providers_and_database(tmp_path: Path) -> None:
    real = settings_of(tmp_path, OPENAI_API_KEY="real-key", DATABASE_URL="sqlite:///real.db", PORT="8099")
    async with Sandbox() as sandbox:
        settings = sandbox_settings(real, sandbox, "admin-key-of-the-sandbox")
        assert settings.token == sandbox.token
        assert settings.env.telegram_api_url == sandbox.telegram_url
        assert settings.env.admin_ids == (sandbox.admin_id,)
        for name, url in sandbox.provider_urls.items():
            assert settings.provider(name).base_url == url
    assert (settings.admin_key, settings.env.port) == ("admin-key-of-the-sandbox", 8099)
    assert settings.env.database_url == "sqlite:///sandbox-data/farthing.db"
    assert "real-key" not in settings.secrets()


def test_admin_key_of_the_environment_counts_in_the_sandbox_too(tmp_path: Path) -> None:
    assert running.admin_key_of(settings_of(tmp_path, ADMIN_API_KEY="k" * 24)) == "k" * 24
    assert len(running.admin_key_of(settings_of(tmp_path))) == 32


async def test_sandbox_makes_no_backups_and_has_a_transcriber(tmp_path: Path) -> None:
    async with Sandbox() as sandbox:
        config = sandbox_settings(settings_of(tmp_path), sandbox, "k" * 24).config
        own = '[transcriber]\noffer = "openai/whisper-1"\nusd_per_minute = "0.01"\n'
        configured = sandbox_settings(settings_of(tmp_path, own), sandbox, "k" * 24).config.transcriber
    assert (config.backup.folder, config.transcriber) == ("", TRANSCRIBER)
    assert configured is not None
    assert configured.offer == "openai/whisper-1"


def test_each_run_starts_with_an_empty_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    running._delete_database()
    folder = tmp_path / "sandbox-data"
    for name in ("farthing.db", "farthing.db-wal", "notes.txt"):
        (folder / name).write_text("x")
    running._delete_database()
    assert [each.name for each in folder.iterdir()] == ["notes.txt"]


async def test_next_offers_are_those_that_auto_would_try(tmp_path: Path) -> None:
    toml = '[models.auto]\noffers = ["gemini/gemini-2.5-flash-lite", "openai/gpt-4o", "mistral/x"]\n'
    variables = {"DATABASE_URL": f"sqlite:///{tmp_path}/farthing.db", "OPENAI_API_KEY": "k", "GEMINI_API_KEY": "k"}
    async with open_container(settings_of(tmp_path, toml, **variables)) as container:
        assert next_offers(container) == ["gemini/gemini-2.5-flash-lite", "openai/gpt-4o"]


async def test_without_a_provider_there_is_no_next_offer(tmp_path: Path) -> None:
    async with open_container(settings_of(tmp_path, DATABASE_URL=f"sqlite:///{tmp_path}/farthing.db")) as container:
        assert next_offers(container) == []
