"""The lightweight bot of the commands' tests."""

from tests.bot.commands.conftest import chat, database
from tests.storage.conftest import sqlite_template

__all__ = ["chat", "database", "sqlite_template"]
