"""The light bot of the commands, and the runs that are due there."""

from tests.bot.commands.conftest import chat, database, sqlite_template

__all__ = ["chat", "database", "sqlite_template"]
