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
from storage.database.database import migrations_pending, open_database
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
    if url.startswith("sqlite:") and not sqlite_path(url).exists():
        return _check_new(sqlite_path(url))
    try:
        async with open_database(url) as db:
            pending = await db.read(migrations_pending)
    except Exception as error:  # noqa: BLE001 - any driver error means that it can't be used
        advice = "check address, password and network; is the server up?"
        if url.startswith("sqlite:"):
            advice = (
                "check its owner and mode; if it is damaged, `python -m main restore FILE` puts a backup in its place"
            )
        return fault(about, f"it can't be opened: {error}", advice)
    if not pending:
        return fine(about, "opens, and its schema is of this release")
    if url.startswith("sqlite:"):
        return fine(about, "opens; the next start migrates it")
    return fault(about, "its schema is not of this release", "run `python -m main migrate`")


def _check_new(path: Path) -> Finding:
    """Check that a SQLite file can be created."""
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
        if path.exists() and (mode := path.stat().st_mode) & MODE_OF_OTHERS:
            text = f"others can read it (mode {stat.S_IMODE(mode):04o}); it holds secrets or conversations"
            yield warning(str(path), text, f"run `chmod 600 {path}`")
