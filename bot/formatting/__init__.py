"""Markdown to Telegram's entities and rich messages."""
