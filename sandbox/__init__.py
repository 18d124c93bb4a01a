"""A local Telegram, stand-in providers and a page, for trying and testing. The bot reaches them over HTTP only."""
