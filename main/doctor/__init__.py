"""`python -m main doctor`: checks of settings, database, disk, Telegram and providers, each with advice."""
