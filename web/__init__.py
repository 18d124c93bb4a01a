"""Every HTTP route but the Telegram webhook."""
