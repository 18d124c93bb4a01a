"""Nouns, prices, choice, providers: no Telegram, no SQL, no HTTP server."""
