"""The databases of tests/storage, and a desk over them."""

from tests.storage.conftest import db, postgres_server, postgres_template, sqlite_template, url

__all__ = ["db", "postgres_server", "postgres_template", "sqlite_template", "url"]
