"""Entry point of Alembic: one connection, one transaction for each revision."""

from alembic import context
from sqlalchemy import create_engine, event, pool

from storage.tables import metadata

engine = create_engine(context.config.get_main_option("sqlalchemy.url") or "", poolclass=pool.NullPool)

if engine.dialect.name == "sqlite":

    @event.listens_for(engine, "connect")
    def begin_ourselves(raw: object, _: object) -> None:
        """Stop the driver from committing before DDL: a revision that fails must be undone whole."""
        raw.isolation_level = None  # type: ignore[attr-defined]

    @event.listens_for(engine, "begin")
    def begin(connection: object) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # type: ignore[attr-defined]


try:
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            render_as_batch=engine.dialect.name == "sqlite",
            transaction_per_migration=True,
            compare_server_default=False,
        )
        with context.begin_transaction():
            context.run_migrations()
finally:
    engine.dispose()
