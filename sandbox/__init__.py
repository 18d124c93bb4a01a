"""A local Telegram, stand-in providers and a page: for trying and testing. It speaks to the bot over HTTP alone."""
