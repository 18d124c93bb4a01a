"""A local Telegram, stand-in providers and a page, for trial and tests. The bot uses them over HTTP only."""
