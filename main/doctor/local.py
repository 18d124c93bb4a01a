"""Checks on this machine: settings, database and schema, disk, modes of files."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from main.doctor.finding import Finding, fault, fine, warning
from main.engine_parts.catalog import all_specs, build_plans, check_offers
from main.processes import has_work, missing_setting
from main.settings import ENV_FILE, Settings
from storage.database.database import foreign_schema, migrations_pending, open_database, refuses_writes
from storage.operations.backup import sqlite_path
from storage.operations.postgres_backup import has_tools

MODE_OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Check that there is something to run, that alerts have a recipient, and that farthing.toml fits the providers."""
    if not has_work(settings):
        yield fault("settings", "neither TELEGRAM_BOT_TOKEN nor a provider key is set", "run `make setup`")
    path = settings.env.farthing_config
    if path.exists():
        yield fine(str(path), "can be read")
    elif "FARTHING_CONFIG" in settings.variables:
        yield warning("FARTHING_CONFIG", f"{path} does not exist; the defaults are used", "correct the path")
    else:
        yield fine(str(path), "there is none; the defaults are used")
    check_offers(settings, all_specs(settings))  # raises ConfigError, which contains file and key
    build_plans(settings)
    if settings.env.admin_ids:
        yield fine("ADMIN_IDS", f"{len(settings.env.admin_ids)} set")
    else:
        yield warning(
            "ADMIN_IDS", "nobody gets alerts or admin commands", "set your Telegram id; @userinfobot tells it"
        )
    if missing := missing_setting(settings):
        yield warning("keys", missing, "set one of the two")


async def check_database(settings: Settings) -> Finding:
    """Check that the database is readable and has this release's schema. A missing SQLite file is reported as new."""
    url, about = settings.env.database_url, "DATABASE_URL"
    if url.startswith("sqlite:") and (found := _check_file(sqlite_path(url))) is not None:
        return found
    try:
        async with open_database(url) as db:
            pending, foreign = await db.read(migrations_pending), await db.read(foreign_schema)
            is_read_only = await db.read(refuses_writes)
    except Exception as error:  # noqa: BLE001 - any driver error means that it can't be used
        advice = "check address, password and network; is the server up?"
        if url.startswith("sqlite:"):
            advice = (
                "check its owner and mode; if it is damaged, `python -m main restore FILE` puts a backup in its place"
            )
        return fault(about, f"it can't be opened: {error}", advice)
    if foreign:
        advice = "correct the name of the database, install the release that made it, or restore a backup of this one"
        return fault(about, foreign, advice)
    if is_read_only:
        return fault(about, "the server takes no writes: it is a standby or read-only", "set the primary's address")
    return _check_schema(pending=pending, is_migrated_at_start=url.startswith("sqlite:"))


def _check_schema(*, pending: bool, is_migrated_at_start: bool) -> Finding:
    if not pending:
        return fine("DATABASE_URL", "opens, and its schema is of this release")
    if is_migrated_at_start:
        return fine("DATABASE_URL", "opens; the next start migrates it")
    return fault("DATABASE_URL", "its schema is not of this release", "run `python -m main migrate`")


def _check_file(path: Path) -> Finding | None:
    """Check that a SQLite file can be created, or written with its log beside it. None: it exists and can."""
    if path.is_dir():
        return fault("DATABASE_URL", f"{path} is a folder", f"name a file: sqlite:///{path}/farthing.db")
    if path.exists():
        wrong = [each for each in (path, path.absolute().parent) if not os.access(each, os.W_OK)]
        text = f"{path} can't be written: " + ("its folder is read-only" if path not in wrong else "it is read-only")
        return fault("DATABASE_URL", text, "correct owner or mode, of the folder too") if wrong else None
    existing = next(each for each in path.absolute().parents if each.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        return fault(
            "DATABASE_URL", f"{path} can't be created: {existing} can't be written", "correct path, owner or mode"
        )
    return fine("DATABASE_URL", f"{path} does not exist yet; the first start makes it")


def check_disk(settings: Settings) -> Iterator[Finding]:
    """Check the free space on the disks of the SQLite database and of the backups."""
    places = {"backups": Path(settings.config.backup.folder)} if settings.config.backup.folder else {}
    if settings.env.database_url.startswith("sqlite:"):
        places["database"] = sqlite_path(settings.env.database_url).absolute().parent
    for name, place in places.items():
        if not place.exists():
            continue
        free = shutil.disk_usage(place).free // 1_000_000
        if free < settings.config.alerts.disk_free_mb:
            advice = "make room, or move it; without space nothing can be booked"
            yield warning(f"disk of the {name}", f"{free:,} MB are free", advice)
        else:
            yield fine(f"disk of the {name}", f"{free:,} MB are free")


def check_backups(settings: Settings) -> Iterator[Finding]:
    """Check that the nightly backup can be made and stored."""
    section, about = settings.config.backup, "backups"
    if not section.folder:
        yield warning(about, "there is no nightly backup", "set [backup] folder, or use your platform's backups")
        return
    folder = Path(section.folder).absolute()
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        yield fault(about, f"{folder} can't be written", "correct [backup] folder, or its owner and mode")
    elif not settings.env.database_url.startswith("sqlite:") and not has_tools():
        text = "pg_dump and pg_restore are not on this machine, so that there is no nightly backup"
        advice = (
            "install PostgreSQL's client programs (postgresql-client) of the server's version, or use your platform's"
        )
        yield warning(about, text, advice)
    else:
        yield fine(about, f"each night into {section.folder}, the newest {section.keep} are kept")


def check_modes(settings: Settings) -> Iterator[Finding]:
    """Check that only the owner can read .env, the database and the backups."""
    paths = [ENV_FILE]
    if settings.env.database_url.startswith("sqlite:"):
        paths.append(sqlite_path(settings.env.database_url))
    folder = Path(settings.config.backup.folder or ".")
    saved = [*folder.glob("*.db"), *folder.glob("*.dump")]
    paths += sorted(saved) if settings.config.backup.folder and folder.exists() else []
    for path in paths:
        if path.is_file() and (mode := path.stat().st_mode) & MODE_OF_OTHERS:
            text = f"others can read it (mode {stat.S_IMODE(mode):04o}); it holds secrets or conversations"
            yield warning(str(path), text, f"run `chmod 600 {path}`")
