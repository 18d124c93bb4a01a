"""A migrated database of each kind for every test that uses `db`."""

import functools
import os
import shutil
import sqlite3
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from storage import migrations
from storage.database.database import Database, open_database
from tests.databases import CopiesInMemory, memory_folder, migrated_database

QUICK = "-c autovacuum=off -c full_page_writes=off -c checkpoint_timeout=1h -c max_wal_size=4GB"
"""PostgreSQL settings that make the tests faster without changing results."""


@dataclass(frozen=True)
class Server:
    """A temporary PostgreSQL server on a unix socket."""

    folder: Path

    @functools.cached_property
    def _admin(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(self.url("postgres"), autocommit=True)

    @functools.cached_property
    def template(self) -> str:
        """The name of a migrated database."""
        migrations.upgrade(self.create("template_farthing", "template0"))
        return "template_farthing"

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def create(self, database: str, template: str) -> str:
        how = "STRATEGY FILE_COPY" if self._admin.info.server_version >= 150_000 else ""  # half the work
        self._admin.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}" {how}'.encode())
        return self.url(database)

    def drop(self, database: str) -> None:
        self._admin.execute(f'DROP DATABASE "{database}" WITH (FORCE)'.encode())

    def close(self) -> None:
        self._admin.close()


_started: list[Server] = []


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """Start a PostgreSQL server; when run by root, as the account `postgres`, because initdb refuses root."""
    if _started:  # started by another conftest that has this fixture
        yield _started[0]
        return
    if shutil.which("initdb") is None or shutil.which("pg_ctl") is None:
        pytest.skip("no PostgreSQL binaries (initdb, pg_ctl) on this machine")
    folder = Path(tempfile.mkdtemp(prefix="farthing-pg-", dir=memory_folder()))
    data, options = folder / "data", f"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=200 {QUICK}"
    _run_unprivileged(folder, "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
    _run_unprivileged(folder, "pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "start")
    server = Server(folder)
    _started.append(server)
    try:
        yield server
    finally:
        _started.clear()
        server.close()
        _run_unprivileged(folder, "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated database; tools/mutants.py sets SQLITE_TEMPLATE so that all its workers share one."""
    path = Path(os.environ.get("SQLITE_TEMPLATE") or tmp_path_factory.mktemp("template") / "farthing.db")
    if not path.exists():
        path.write_bytes(migrated_database())
    return path


@pytest.fixture
def fresh_sqlite(sqlite_template: Path) -> Iterator[Callable[[], sqlite3.Connection]]:
    """Return a function that copies the migrated database into memory. The last COPIES copies stay open."""
    with closing(sqlite3.connect(sqlite_template)) as source, CopiesInMemory(source) as copies:
        yield copies.make


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Server) -> str:
    return postgres_server.template


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the URL of a migrated, empty database of each kind."""
    if request.param == "sqlite":
        path = tmp_path / "farthing.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server: Server = request.getfixturevalue("postgres_server")
    name = f"t{uuid.uuid4().hex}"
    yield server.create(name, request.getfixturevalue("postgres_template"))
    server.drop(name)


@pytest.fixture
async def db(url: str) -> AsyncIterator[Database]:
    async with open_database(url) as opened:
        yield opened


def _run_unprivileged(folder: Path, *command: str | Path) -> None:
    owner = "postgres" if os.geteuid() == 0 else None
    if owner:
        shutil.chown(folder, owner, owner)
    done = subprocess.run(
        list(map(str, command)),
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=folder,
        text=True,
        user=owner,
        group=owner,
        extra_groups=[] if owner else None,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr}")
