"""The Mini App: a page inside Telegram and its routes. They exist only with a bot token."""
