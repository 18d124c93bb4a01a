"""The lightweight bot of the commands, with its due runs."""

from tests.bot.commands.conftest import chat, database, sqlite_template

__all__ = ["chat", "database", "sqlite_template"]
