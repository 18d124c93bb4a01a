"""Alembic run from code, without an alembic.ini."""

import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
_REVISION = re.compile(r"^revision = ['\"](\w+)['\"]", re.MULTILINE)
_TABLE = re.compile(r"op\.create_table\(\s*['\"](\w+)['\"]")
_BELOW = re.compile(r"^down_revision = ['\"](\w+)['\"]", re.MULTILINE)


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
    """Migrate the database up to `revision`. Raises OSError if its revision is of another release or application."""
    from alembic import command  # noqa: PLC0415
    from alembic.util.exc import CommandError  # noqa: PLC0415

    try:
        command.upgrade(_config(url), revision)
    except CommandError as error:
        raise OSError(
            f"the database can't be migrated: {error}. A newer release or another application made it"
        ) from error


def downgrade(url: str, revision: str) -> None:
    """Migrate the database down to `revision`."""
    from alembic import command  # noqa: PLC0415

    command.downgrade(_config(url), revision)


def head() -> str:
    """Return the newest revision: the one that no other file names as its predecessor. Numbers don't show the order."""
    below = {str(found) for text in _texts() for found in _BELOW.findall(text)}
    (newest,) = revisions() - below
    return newest


def revisions() -> set[str]:
    """Return all revisions that this release knows."""
    return {str(found) for text in _texts() for found in _REVISION.findall(text)}


def first_tables() -> set[str]:
    """Return the tables that the first revision creates, so that no other application may have them."""
    return set(_TABLE.findall((HERE / "versions" / "0001_the_books.py").read_text()))


def _texts() -> list[str]:
    return [path.read_text() for path in (HERE / "versions").glob("[0-9]*.py")]
