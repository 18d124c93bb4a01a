"""The database: SQL and the engine's ports. It contains no Telegram, HTTP or clock."""
