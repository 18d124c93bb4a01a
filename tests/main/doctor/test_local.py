"""Checks on this machine."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from main.config_faults import ConfigError
from main.doctor.finding import Level
from main.doctor.local import check_backups, check_database, check_disk, check_modes, check_settings
from main.settings import Settings
from storage.migrations import upgrade

Make = Callable[..., Settings]


def shown(findings: object) -> list[tuple[str, str]]:
    return [(each.level.value, each.about) for each in findings]  # type: ignore[attr-defined]


def test_healthy_settings(settings: Make) -> None:
    assert {each.level for each in check_settings(settings())} == {Level.FINE}


def test_missing_settings_are_named(settings: Make) -> None:
    found = check_settings(
        settings(TELEGRAM_BOT_TOKEN="", DEEPSEEK_API_KEY="", ADMIN_IDS="", FARTHING_CONFIG="no.toml")
    )
    assert shown(found) == [
        ("FAULT", "settings"),
        ("!", "FARTHING_CONFIG"),
        ("!", "ADMIN_IDS"),
        ("!", "keys"),
    ]


def test_wrong_offer_is_the_error_of_the_start(settings: Make, tmp_path: Path) -> None:
    (tmp_path / "farthing.toml").write_text('[models.auto]\noffers = ["nobody/m"]\nusd_per_mtok = "5"\n')
    with pytest.raises(ConfigError, match="nobody"):
        list(check_settings(settings()))


async def test_sqlite_file_that_can_not_be_created_or_is_damaged(settings: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no database " * 500)
    nowhere = await check_database(settings(DATABASE_URL=f"sqlite:///{tmp_path}/file/x.db"))
    assert nowhere.level is Level.FAULT
    assert nowhere.text.endswith(f"{tmp_path}/file can't be written")
    damaged = await check_database(settings(DATABASE_URL=f"sqlite:///{tmp_path}/file"))
    assert damaged.level is Level.FAULT
    assert "main restore" in damaged.advice


async def test_sqlite_is_none_yet_old_or_current(settings: Make, tmp_path: Path) -> None:
    made = settings()
    assert "the first start makes it" in (await check_database(made)).text
    (tmp_path / "farthing.db").touch()
    assert "the next start migrates it" in (await check_database(made)).text
    upgrade(made.env.database_url)
    assert "its schema is of this release" in (await check_database(made)).text


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (
            ["CREATE TABLE alembic_version (version_num TEXT)", "INSERT INTO alembic_version VALUES ('abc')"],
            "revision abc",
        ),
        (["CREATE TABLE tenants (id INTEGER)"], "tables of another application, such as tenants"),
        (["CREATE TABLE notes (id INTEGER)"], ""),
    ],
)
async def test_schema_that_can_not_be_migrated_is_a_fault_before_the_start(
    settings: Make, tmp_path: Path, statements: list[str], said: str
) -> None:
    with closing(sqlite3.connect(tmp_path / "farthing.db")) as raw:
        for each in statements:
            raw.execute(each)
        raw.commit()
    found = await check_database(settings())
    assert (found.level, said in found.text) == (Level.FAULT if said else Level.FINE, True)
    assert bool(found.advice) == bool(said)
    if not said:
        upgrade(settings().env.database_url)
    elif "revision" in said:
        with pytest.raises(OSError, match="A newer release or another application made it"):
            upgrade(settings().env.database_url)


@pytest.mark.parametrize(("wrong", "said"), [("farthing.db", "it is read-only"), ("", "its folder is read-only")])
async def test_sqlite_file_that_can_not_be_written_is_a_fault(
    settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str, said: str
) -> None:
    (tmp_path / "farthing.db").touch()
    monkeypatch.setattr("os.access", lambda path, _: Path(path) != tmp_path / wrong)  # root may write everything
    found = await check_database(settings())
    assert (found.level, said in found.text) == (Level.FAULT, True)


async def test_folder_in_place_of_the_sqlite_file_is_a_fault(settings: Make, tmp_path: Path) -> None:
    (tmp_path / "farthing.db").mkdir()
    found = await check_database(settings())
    assert (found.level, found.text.endswith("is a folder")) == (Level.FAULT, True)
    assert list(check_modes(settings())) == []


async def test_damaged_database_is_a_fault(settings: Make, tmp_path: Path) -> None:
    (tmp_path / "farthing.db").write_bytes(b"no database" * 1000)
    assert (await check_database(settings())).level is Level.FAULT


async def test_unreachable_postgresql_is_a_fault(settings: Make) -> None:
    found = await check_database(settings(DATABASE_URL="postgresql://u:secret@127.0.0.1:1/x"))
    assert found.level is Level.FAULT


def test_full_disk_is_a_warning(settings: Make, tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    assert shown(check_disk(settings())) == [("ok", "disk of the backups"), ("ok", "disk of the database")]
    (tmp_path / "farthing.toml").write_text("[alerts]\ndisk_free_mb = 1000000000000\n")
    assert shown(check_disk(settings())) == [("!", "disk of the backups"), ("!", "disk of the database")]


@pytest.mark.parametrize(
    ("toml", "path", "url", "level", "words"),
    [
        ("", None, None, "ok", "each night into backups, the newest 7 are kept"),
        ('[backup]\nfolder = ""\n', None, None, "!", "there is no nightly backup"),
        ('[backup]\nfolder = "farthing.toml/x"\n', None, None, "FAULT", "can't be written"),
        ("", "", "postgresql://u@127.0.0.1:1/x", "!", "pg_dump and pg_restore are not on this machine"),
    ],
)
def test_nightly_backup(
    settings: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    toml: str,
    path: str | None,
    url: str | None,
    level: str,
    words: str,
) -> None:
    (tmp_path / "farthing.toml").write_text(toml)
    if path is not None:
        monkeypatch.setenv("PATH", str(tmp_path))
    made = settings(DATABASE_URL=url) if url else settings()
    (found,) = check_backups(made)
    assert (found.level.value, found.about) == (level, "backups")
    assert words in found.text
    assert found.advice or level == "ok"


def test_files_that_others_can_read_are_named(settings: Make, tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    for name, mode in ((".env", 0o644), ("farthing.db", 0o600), ("backups/a.db", 0o640)):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    found = list(check_modes(settings()))
    assert [(each.about, "0644" in each.text) for each in found] == [(".env", True), ("backups/a.db", False)]
    assert found[0].advice == "run `chmod 600 .env`"
