"""A migrated database of each kind for every test that asks for `db`."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from storage import migrations
from storage.database.database import Database, open_database
from tests.databases import migrated_database


@dataclass(frozen=True, slots=True)
class Server:
    """A temporary PostgreSQL server on a unix socket."""

    folder: Path

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def create(self, database: str, template: str) -> str:
        with psycopg.connect(self.url("postgres"), autocommit=True) as conn:
            conn.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"'.encode())
        return self.url(database)

    def drop(self, database: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as conn:
            conn.execute(f'DROP DATABASE "{database}" WITH (FORCE)'.encode())


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """Start a PostgreSQL server; when run by root, as the account `postgres`, because initdb refuses root."""
    if shutil.which("initdb") is None or shutil.which("pg_ctl") is None:
        pytest.skip("no PostgreSQL binaries (initdb, pg_ctl) on this machine")
    folder = Path(tempfile.mkdtemp(prefix="farthing-pg-", dir=_temporary_folder()))
    data, options = folder / "data", f"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=200"
    _run_unprivileged(folder, "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
    _run_unprivileged(folder, "pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "start")
    try:
        yield Server(folder)
    finally:
        _run_unprivileged(folder, "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated database; tools/mutants.py sets SQLITE_TEMPLATE, so that all its workers share one."""
    path = Path(os.environ.get("SQLITE_TEMPLATE") or tmp_path_factory.mktemp("template") / "farthing.db")
    if not path.exists():
        path.write_bytes(migrated_database())
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Server) -> str:
    migrations.upgrade(postgres_server.create("template_farthing", "template0"))
    return "template_farthing"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated, empty database of each kind."""
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


def _temporary_folder() -> Path:
    """Return /dev/shm when it has 1 GiB free, because each database is hundreds of small files; else /tmp."""
    memory = Path("/dev/shm")
    usable = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**30
    return memory if usable else Path("/tmp")


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
