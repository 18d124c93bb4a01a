import asyncio
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from storage.database.checksums import sum_of
from storage.database.connection import Connection
from storage.database.database import open_database
from storage.database.leases import Lease
from storage.ledger import expiry
from storage.ledger.ledger import SqlLedger
from storage.migrations import upgrade
from storage.operations.audit import audit
from storage.operations.backup import BackupFailed, backup, restore, sqlite_path, verify
from tests.storage.books import NOW, RATES, FixedClock, bill, hold_request, tenant


@pytest.fixture
def database(sqlite_template: Path, tmp_path: Path) -> Path:
    return shutil.copyfile(sqlite_template, tmp_path / "farthing.db")


def answered(conn: Connection) -> set[str]:
    return {found["request_id"] for found in conn.rows("SELECT request_id FROM attempts WHERE kept")}


async def test_backup_under_load_contains_all_commits_before_it(database: Path) -> None:
    acknowledged: list[str] = []
    stop = asyncio.Event()
    async with open_database(f"sqlite:///{database}") as db:
        clock = FixedClock()
        sql_ledger = SqlLedger(db, Lease(db, clock), clock, RATES)
        owner = await db.write(lambda conn: tenant(conn, "1000"))

        async def load(worker: int) -> None:
            number = 0
            while not stop.is_set():
                asked = hold_request(owner, f"w{worker}-{number}")
                async with sql_ledger.hold(asked) as hold:
                    await hold.capture(bill(asked))
                acknowledged.append(asked.request_id)
                number += 1

        workers = [asyncio.create_task(load(worker)) for worker in range(8)]
        while len(acknowledged) < 50:
            await asyncio.sleep(0)
        before = set(acknowledged)
        made = await asyncio.to_thread(backup, database, database.parent / "backups", NOW)
        stop.set()
        await asyncio.gather(*workers)
    after = len(acknowledged)
    aside = restore(made, database, NOW)
    async with open_database(f"sqlite:///{database}") as db:
        assert (await db.read(audit)).ok
        assert before <= await db.read(answered)
    assert aside is not None
    async with open_database(f"sqlite:///{aside}") as db:
        assert len(await db.read(answered)) == after, "the old file lacks commits of its WAL"


async def test_restore_is_refused_while_a_process_runs(database: Path) -> None:
    made = backup(database, database.parent, NOW)
    async with open_database(f"sqlite:///{database}") as db, Lease(db, FixedClock()):
        with pytest.raises(BackupFailed, match="is running"):
            restore(made, database, NOW)
    assert restore(made, database, NOW) is not None


def test_backup_and_restored_database_are_their_owners_alone(database: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        saved = backup(database, tmp_path / "saved", NOW)
        restored = tmp_path / "restored.db"
        restore(saved, restored, NOW)
    finally:
        os.umask(before)
    assert [f"{path.stat().st_mode & 0o777:o}" for path in (saved, restored)] == ["600", "600"]


def test_folder_may_be_a_link_to_a_folder_that_is_still_missing(database: Path, tmp_path: Path) -> None:
    (tmp_path / "backups").symlink_to(tmp_path / "volume" / "backups")
    assert backup(database, tmp_path / "backups", NOW).resolve().parent == tmp_path / "volume" / "backups"


def test_only_the_newest_backups_are_kept(database: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    made = [backup(database, folder, NOW + timedelta(days=day), keep=3) for day in range(5)]
    assert sorted(folder.iterdir()) == sorted([*made[2:], *map(sum_of, made[2:])])
    assert all(each.stat().st_mode & 0o077 == 0 for each in made[2:]), "a backup is readable by others"


async def test_database_that_fails_the_audit_replaces_no_backup(database: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    async with open_database(f"sqlite:///{database}") as db:
        owner = await db.write(lambda conn: tenant(conn, "1"))
        sound = backup(database, folder, NOW, keep=1)
        await db.write(lambda conn: conn.run("UPDATE accounts SET balance_nanousd = 5 WHERE tenant_id = :id", id=owner))
        with pytest.raises(BackupFailed, match="fails the audit"):
            backup(database, folder, NOW + timedelta(days=1), keep=1)
        assert await db.read(expiry.open_holds) == 0
    assert sorted(folder.iterdir()) == [sound, sum_of(sound)]


def test_damaged_file_is_not_restored(database: Path, tmp_path: Path) -> None:
    before = database.read_bytes()
    text, torn, cut, empty = (tmp_path / name for name in ("text.db", "torn.db", "cut.db", "empty.db"))
    text.write_text("hello " * 1000)
    torn.write_bytes(before[: len(before) // 2])
    cut.write_bytes(before[:-100])
    sqlite3.connect(empty).close()
    for wrong in (text, torn, cut, empty, tmp_path / "nowhere.db"):
        with pytest.raises(BackupFailed):
            restore(wrong, database, NOW)
    assert database.read_bytes() == before


def test_changed_byte_that_sqlite_does_not_notice_is_refused(database: Path, tmp_path: Path) -> None:
    made = backup(database, tmp_path, NOW)
    for _ in range(2):
        assert restore(made, database, NOW) is not None, "reading the file does not change it"
    before, content = database.read_bytes(), made.read_bytes()
    made.write_bytes(content.replace(b"CREATE TABLE", b"CREATE TABLe", 1))  # the same statement to SQLite
    verify(made)
    with pytest.raises(BackupFailed, match=r"checksum is not the one in farthing-.*\.db\.sha256"):
        restore(made, database, NOW)
    assert database.read_bytes() == before


def test_old_backup_that_can_not_be_deleted_is_named(database: Path, tmp_path: Path) -> None:
    (tmp_path / "farthing-20200101-000000.db").mkdir()
    with pytest.raises(BackupFailed, match="was saved, but an older one could not be deleted"):
        backup(database, tmp_path, NOW, keep=1)


def test_damaged_database_is_replaced_and_set_aside(database: Path, tmp_path: Path) -> None:
    made = backup(database, tmp_path / "kept", NOW)
    database.write_text("no database any more " * 500)
    aside = restore(made, database, NOW)
    assert database.read_bytes() == made.read_bytes()
    assert aside is not None
    assert aside.read_text().startswith("no database any more")


@pytest.mark.parametrize("revision", ["0001", "0003"])
async def test_backup_of_an_earlier_release_is_restored_unchanged(tmp_path: Path, revision: str) -> None:
    old, database = tmp_path / "old.db", tmp_path / "farthing.db"
    upgrade(f"sqlite:///{old}", revision)
    made = backup(old, tmp_path / "kept", NOW)
    restore(made, database, NOW)
    with closing(sqlite3.connect(database)) as raw:
        assert raw.execute("SELECT version_num FROM alembic_version").fetchall() == [(revision,)]
    upgrade(f"sqlite:///{database}")
    async with open_database(f"sqlite:///{database}") as db:
        assert (await db.read(audit)).ok


def test_backup_of_a_later_release_is_refused_as_such(database: Path, tmp_path: Path) -> None:
    newer = shutil.copyfile(database, tmp_path / "newer.db")
    with closing(sqlite3.connect(newer)) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
        raw.commit()
    with pytest.raises(BackupFailed, match="another release"):
        restore(newer, database, NOW)


def test_restore_that_fails_at_the_last_step_keeps_the_database(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path) -> None:
        raise OSError("No space left on device")

    made = backup(database, tmp_path / "kept", NOW)
    before = database.read_bytes()
    monkeypatch.setattr("storage.operations.backup._sync", full)
    with pytest.raises(BackupFailed, match="No space left"):
        restore(made, database, NOW)
    assert database.read_bytes() == before


def test_cause_of_a_failed_backup_is_named(database: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BackupFailed, match=r"could not be copied to .*file"):
        backup(database, tmp_path / "file", NOW)
    database.write_text("no database any more " * 500)
    with pytest.raises(BackupFailed, match="not a database"):
        backup(database, tmp_path / "kept", NOW)


def test_postgresql_url_is_refused() -> None:
    with pytest.raises(BackupFailed, match="PostgreSQL"):
        sqlite_path("postgres://u:secret@host/db")


@pytest.mark.parametrize("name", ["with space", "what?", "100%", "//twice"])
def test_database_with_special_characters_in_its_path_is_backed_up(database: Path, tmp_path: Path, name: str) -> None:
    folder = Path(f"/{tmp_path}/{name.strip('/')}") if name.startswith("//") else tmp_path / name
    folder.mkdir()
    made = backup(shutil.copyfile(database, folder / "farthing.db"), folder / "backups", NOW)
    assert made.exists()
