"""A strict Bot API server: it refuses the same calls as Telegram, in Telegram's own words."""
