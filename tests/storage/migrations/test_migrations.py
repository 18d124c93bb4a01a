"""Migrations: up and down, the declared tables, and the data that they convert."""

import contextlib
import sqlite3
from importlib.metadata import version
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from storage import migrations
from storage.database.connection import Connection
from storage.database.database import migrations_pending, open_database
from storage.tables import metadata
from tests.storage.conftest import Server


@pytest.fixture(params=["sqlite", "postgresql"])
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bare.db'}"
    server: Server = request.getfixturevalue("postgres_server")
    return server.create(f"bare_{tmp_path.name}"[:60], "template0")


def revisions() -> list[str]:
    """Return the revisions, the oldest first."""
    found = ScriptDirectory(str(Path(migrations.__file__).parent)).walk_revisions()
    return [each.revision for each in found][::-1]


def test_every_revision_migrates_up_down_and_up_again(bare: str) -> None:
    for below, revision in zip(["base", *revisions()], revisions(), strict=False):
        migrations.upgrade(bare, revision)
        migrations.downgrade(bare, below)
        migrations.upgrade(bare, revision)
    migrations.downgrade(bare, "base")
    assert _leftovers(bare) == {"alembic_version"}


def test_migrated_tables_equal_the_declared_tables(url: str) -> None:
    engine = create_engine(migrations.sqlalchemy_url(url), poolclass=NullPool)
    with engine.connect() as conn:
        context = MigrationContext.configure(conn, opts={"include_name": _is_ours})
        assert compare_metadata(context, metadata) == [], (
            "write a revision in storage/migrations/versions, and import new modules in storage/tables/__init__.py"
        )
    engine.dispose()


def test_process_waits_for_another_that_migrates(
    postgres_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres_server.create(f"turn_{tmp_path.name}"[:60], "template0")
    other = psycopg.connect(url, autocommit=True)
    other.execute("SELECT pg_advisory_lock(%s)", [0x6661727468696E67])
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        other.close()

    monkeypatch.setattr("time.sleep", sleep)
    migrations.upgrade(url, revisions()[0])
    assert waited


def test_upgrade_of_a_file_that_fails_is_undone_whole(tmp_path: Path) -> None:
    """The lock of the one transaction also keeps a second process waiting."""
    path = tmp_path / "bare.db"
    migrations.upgrade(f"sqlite:///{path}", revisions()[0])
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("CREATE TABLE tenant_notices (id INTEGER)")
        with pytest.raises(OperationalError, match="already exists"):
            migrations.upgrade(f"sqlite:///{path}")
        assert raw.execute("SELECT version_num FROM alembic_version").fetchall() == [(revisions()[0],)]


def _is_ours(name: str | None, *_: object) -> bool:
    """Return False for Procrastinate's tables, which have declarations of their own."""
    return not (name or "").startswith("procrastinate_")


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_every_number_has_64_bits(url: str) -> None:
    """SQLModel's int has 32 bits on PostgreSQL: $2.15 in nano-dollars. SQLite has one kind of integer, with 64 bits."""
    engine = create_engine(migrations.sqlalchemy_url(url), poolclass=NullPool)
    look = inspect(engine)
    kinds = {
        f"{table}.{column['name']}": str(column["type"])
        for table in look.get_table_names()
        if _is_ours(table)
        for column in look.get_columns(table)
    }
    engine.dispose()
    assert {name: kind for name, kind in kinds.items() if kind in {"INTEGER", "SMALLINT"}} == {}


async def test_migrations_are_pending_until_upgrade(bare: str) -> None:
    async with open_database(bare) as db:
        assert await db.read(migrations_pending)
    migrations.upgrade(bare)
    async with open_database(bare) as db:
        assert not await db.read(migrations_pending)


def test_procrastinate_is_of_the_version_whose_schema_0012_creates() -> None:
    """Another version may have another schema; then a revision must run the scripts of its folder sql/migrations."""
    assert version("procrastinate") == "3.10.0"


def test_head_is_the_newest_revision() -> None:
    assert migrations.head() == revisions()[-1]


async def test_captured_or_latest_hold_of_a_request_survives_0002(bare: str) -> None:
    """0002 keeps one hold per request; the charges are unchanged."""
    migrations.upgrade(bare, "0001")
    columns = "epoch, tenant_id, state, wallet_nanousd, allowance_tokens, tokens, period_no, lease_id, created_at"
    made = (
        f"INSERT INTO holds (id, request_id, charge_nanousd, {columns})"
        " VALUES ('{r}:{e}', '{r}', {c}, {e}, 1, '{s}', 9, 0, 9, 1, 'L', 0)"
    )
    made_holds = [("a", 1, "captured", 7), ("a", 2, "expired", 0), ("b", 1, "expired", 0), ("b", 2, "open", 0)]
    async with open_database(bare) as db:

        def fill(conn: Connection) -> None:
            conn.run(
                "INSERT INTO tenants (id, name, username, plan, language, banned, blocked, settings, created_at)"
                " VALUES (1, '', '', 'free', '', :no, :no, '{}', 0)",
                no=False,
            )
            for request, epoch, state, charge in made_holds:
                conn.run(made.format(r=request, e=epoch, s=state, c=charge))

        await db.write(fill)
    look = "SELECT request_id, epoch, state, charge_nanousd FROM holds ORDER BY request_id"
    for _ in range(2):
        migrations.upgrade(bare)
        async with open_database(bare) as db:
            found = await db.read(lambda conn: [tuple(hold.values()) for hold in conn.rows(look)])
        assert found == [("a", 1, "captured", 7), ("b", 2, "open", 0)]
        migrations.downgrade(bare, "0001")


def _leftovers(url: str) -> set[str]:
    if url.startswith("sqlite"):
        raw = sqlite3.connect(url.removeprefix("sqlite:///"))
        rows = raw.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
        raw.close()
        return {name for (name,) in rows}
    with psycopg.connect(url) as conn:
        here = "'public'::regnamespace"
        relations = f"SELECT relname FROM pg_class WHERE relnamespace = {here} AND relkind IN ('r', 'v')"
        functions = f"SELECT proname FROM pg_proc WHERE pronamespace = {here}"
        return {name for (name,) in conn.execute(f"{relations} UNION {functions}".encode())}
