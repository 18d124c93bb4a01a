"""SQL, and the engine's ports over it: no Telegram, no HTTP, no clock."""
