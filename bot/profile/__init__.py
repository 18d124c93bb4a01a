"""The bot's own face in Telegram: its menus of commands, and the texts of its profile."""
