"""A strict Bot API server: what Telegram refuses, it refuses, with Telegram's own words."""
