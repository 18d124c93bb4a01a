"""Models' Markdown converted to Telegram's entities and rich messages."""
