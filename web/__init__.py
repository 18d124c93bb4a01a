"""The HTTP app: all routes except the Telegram webhook."""
