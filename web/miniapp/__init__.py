"""The Mini App: a page inside Telegram and its routes. Without a bot token they do not exist."""
