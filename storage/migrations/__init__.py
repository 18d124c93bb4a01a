"""Alembic run from code, without an alembic.ini."""

from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def sqlalchemy_url(url: str) -> str:
    """Return the URL in SQLAlchemy's form."""
    if url.startswith("sqlite:"):
        return url
    return "postgresql+psycopg://" + url.partition("://")[2]


def _config(url: str) -> Any:
    from alembic.config import Config  # noqa: PLC0415 - 0.15 s, not spent on a migrated database

    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("sqlalchemy.url", sqlalchemy_url(url).replace("%", "%%"))
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Migrate the database up to `revision`."""
    from alembic import command  # noqa: PLC0415

    command.upgrade(_config(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Migrate the database down to `revision`."""
    from alembic import command  # noqa: PLC0415

    command.downgrade(_config(url), revision)


def head() -> str:
    """Return the newest revision, read from the file names: `0001_name.py`."""
    return max(path.stem for path in (HERE / "versions").glob("[0-9]*.py")).partition("_")[0]
