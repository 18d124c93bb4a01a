"""A strict Bot API server: it refuses the same calls as Telegram, with Telegram's own texts."""
