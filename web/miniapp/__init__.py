"""The Mini App: one page inside Telegram, and the calls behind it. Without a bot token they don't exist."""
