"""Backup and restore by pg_dump and pg_restore, on a real server; skipped if these programs are missing."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from storage import migrations
from storage.database.checksums import SUMS
from storage.database.database import open_database
from storage.database.leases import Lease
from storage.database.postgres import PostgresConnection, connect
from storage.operations import postgres_backup
from storage.operations.audit import audit
from storage.operations.backup import BackupFailed
from storage.operations.postgres_backup import backup_postgres, restore_postgres
from tests.storage.books import NOW, FixedClock, tenant
from tests.storage.conftest import Server

pytestmark = pytest.mark.skipif(
    shutil.which("pg_dump") is None or shutil.which("pg_restore") is None, reason="no pg_dump and pg_restore"
)
LATER = NOW + timedelta(seconds=1)


@pytest.fixture
def url(postgres_server: Server, postgres_template: str, tmp_path: Path) -> Iterator[str]:
    name = f"backup_{tmp_path.name}"[:60]
    yield postgres_server.create(name, postgres_template)
    postgres_server.drop(name)


def rows(url: str, sql: str) -> list[Any]:
    with closing(connect(url)) as raw:
        return PostgresConnection(raw).rows(sql)


def make_tenant(url: str, usd: str) -> None:
    with closing(connect(url)) as raw, raw.transaction():
        tenant(PostgresConnection(raw), usd)


def tenants(url: str) -> int:
    return int(rows(url, "SELECT COUNT(*) AS n FROM tenants")[0]["n"])


def test_restored_database_is_that_of_the_backup_and_the_other_is_set_aside(url: str, tmp_path: Path) -> None:
    make_tenant(url, "5")
    saved, is_audited = backup_postgres(url, tmp_path / "backups", NOW)
    assert is_audited
    assert saved.stat().st_mode & 0o777 == 0o600
    make_tenant(url, "7")
    aside = restore_postgres(saved, url, LATER)
    assert tenants(url) == 1
    assert rows(url, f"SELECT COUNT(*) AS n FROM {aside}.tenants")[0]["n"] == 2
    with closing(connect(url)) as raw:
        assert audit(PostgresConnection(raw)).ok
    migrations.upgrade(url)  # the schema is up to date, so this does nothing
    make_tenant(url, "1")
    again, _ = backup_postgres(url, tmp_path / "backups", LATER)  # the renamed schema is not saved again
    assert aside is not None
    assert aside.encode() not in again.read_bytes()


def test_backup_is_restored_into_an_empty_database(url: str, postgres_server: Server, tmp_path: Path) -> None:
    make_tenant(url, "5")
    saved, _ = backup_postgres(url, tmp_path, NOW)
    fresh = postgres_server.create(f"fresh_{tmp_path.name}"[:60], "template0")
    assert restore_postgres(saved, fresh, NOW) is None
    assert tenants(fresh) == 1


async def test_restore_refuses_while_a_process_uses_the_database(url: str, tmp_path: Path) -> None:
    saved, _ = backup_postgres(url, tmp_path, NOW)
    async with open_database(url) as db, Lease(db, FixedClock()):
        with pytest.raises(BackupFailed, match="is running on this database"):
            restore_postgres(saved, url, NOW)


def test_changed_file_is_refused_by_its_checksum(url: str, tmp_path: Path) -> None:
    saved, _ = backup_postgres(url, tmp_path, NOW)
    assert subprocess.run(["sha256sum", "--check", saved.name + SUMS], cwd=tmp_path, check=False).returncode == 0
    saved.write_bytes(saved.read_bytes()[:-1] + b"x")
    with pytest.raises(BackupFailed, match="checksum"):
        restore_postgres(saved, url, NOW)
    with pytest.raises(BackupFailed, match="there is no file"):
        restore_postgres(tmp_path / "nowhere.dump", url, NOW)


def test_failed_restore_leaves_the_database_as_it_was(url: str, tmp_path: Path) -> None:
    make_tenant(url, "5")
    saved, _ = backup_postgres(url, tmp_path, NOW)
    cut = saved.read_bytes()[: int(saved.stat().st_size * 0.97)]
    saved.write_bytes(cut)
    saved.with_name(saved.name + SUMS).write_text(hashlib.sha256(cut).hexdigest())
    make_tenant(url, "7")
    with pytest.raises(BackupFailed, match="pg_restore failed"):
        restore_postgres(saved, url, NOW)
    assert tenants(url) == 2
    assert not rows(url, "SELECT 1 AS one FROM pg_namespace WHERE nspname LIKE 'before%'")


def test_restore_that_ends_in_any_other_way_leaves_the_database_as_it_was(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tenant(url, "5")
    saved, _ = backup_postgres(url, tmp_path, NOW)
    hanging = tmp_path / "bin" / "pg_restore"
    hanging.parent.mkdir()
    hanging.write_text('#!/bin/sh\n[ "$1" = --list ] || exec sleep 60\n')
    hanging.chmod(0o700)
    monkeypatch.setenv("PATH", f"{hanging.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(postgres_backup, "_HOURS_AT_MOST", 0.2 / 3600)
    with pytest.raises(BackupFailed, match="timed out"):
        restore_postgres(saved, url, NOW)
    assert tenants(url) == 1
    assert not rows(url, "SELECT 1 AS one FROM pg_namespace WHERE nspname LIKE 'before%'")


def test_each_setting_of_the_connection_reaches_the_tools(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "bin" / "pg_restore"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\nenv | grep ^PG > {tmp_path}/seen\nexit 1\n")
    tool.chmod(0o700)
    monkeypatch.setenv("PATH", str(tool.parent) + ":" + os.environ["PATH"])
    (tmp_path / "a.dump").touch()
    with pytest.raises(BackupFailed, match="pg_restore failed"):
        restore_postgres(tmp_path / "a.dump", make_conninfo(url, channel_binding="disable", application_name="x"), NOW)
    seen = (tmp_path / "seen").read_text().splitlines()
    assert {"PGCHANNELBINDING=disable", "PGAPPNAME=x"} <= set(seen)


def test_books_that_fail_the_audit_are_not_saved(url: str, tmp_path: Path) -> None:
    make_tenant(url, "5")
    with psycopg.connect(url, autocommit=True) as raw:
        raw.execute("UPDATE accounts SET balance_nanousd = balance_nanousd + 1")
    with pytest.raises(BackupFailed, match="audit"):
        backup_postgres(url, tmp_path, NOW)
    assert list(tmp_path.iterdir()) == []
    assert not rows(url, "SELECT 1 AS one FROM pg_database WHERE datname LIKE 'farthing_check%'")


def test_account_that_may_not_create_a_database_saves_without_an_audit(url: str, tmp_path: Path) -> None:
    with psycopg.connect(url, autocommit=True) as raw:
        raw.execute("DROP ROLE IF EXISTS plain_reader")
        raw.execute("CREATE ROLE plain_reader LOGIN")
        raw.execute("GRANT pg_read_all_data TO plain_reader")
    saved, is_audited = backup_postgres(make_conninfo(url, user="plain_reader"), tmp_path, NOW)
    assert not is_audited
    assert saved.is_file()


def test_only_the_newest_are_kept_with_their_checksums(url: str, tmp_path: Path) -> None:
    backup_postgres(url, tmp_path, NOW)
    kept, _ = backup_postgres(url, tmp_path, LATER, keep=1)
    assert sorted(each.name for each in tmp_path.iterdir()) == [kept.name, kept.name + SUMS]


def test_server_that_is_away_and_missing_tools_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BackupFailed, match="pg_dump failed"):
        backup_postgres("postgresql://u:secret@127.0.0.1:1/d", tmp_path, NOW)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BackupFailed, match="pg_dump is not on this machine"):
        backup_postgres("postgresql://u:secret@127.0.0.1:1/d", tmp_path, NOW)
