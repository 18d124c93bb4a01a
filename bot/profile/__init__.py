"""The bot's appearance in Telegram: its menus of commands, and the texts of its profile."""
