"""Entry point of Alembic. Processes that migrate one database at the same time wait for each other.

SQLite: one transaction for all revisions. PostgreSQL: one for each, under an advisory lock.
"""

import time

from alembic import context
from sqlalchemy import Connection, create_engine, event, make_url, pool, text

from storage.tables import metadata

LOCK = 0x6661727468696E67
"""The advisory lock of migrations: replicas often start their release steps together."""
MOST_TRIES, PAUSE_SECONDS = 300, 0.2

url = make_url(context.config.get_main_option("sqlalchemy.url") or "")
is_sqlite = url.get_backend_name() == "sqlite"
engine = create_engine(url, poolclass=pool.NullPool, connect_args={"timeout": 60} if is_sqlite else {})

if is_sqlite:

    @event.listens_for(engine, "connect")
    def begin_ourselves(raw: object, _: object) -> None:
        """Stop the driver from committing before DDL: a revision that fails must be undone whole."""
        raw.isolation_level = None  # type: ignore[attr-defined]

    @event.listens_for(engine, "begin")
    def begin(connection: object) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # type: ignore[attr-defined]


def wait_for_turn(connection: Connection) -> None:
    """Wait for another process that migrates, a minute at most: behind a pooler its lock may outlive it."""
    for _ in range(MOST_TRIES):
        if connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK}):
            break
        time.sleep(PAUSE_SECONDS)
    connection.commit()


try:
    with engine.connect() as connection:
        if not is_sqlite:
            wait_for_turn(connection)
        context.configure(
            connection=connection,
            target_metadata=metadata,
            render_as_batch=is_sqlite,
            transactional_ddl=True,
            transaction_per_migration=not is_sqlite,
            compare_server_default=False,
        )
        with context.begin_transaction():
            context.run_migrations()
finally:
    engine.dispose()
