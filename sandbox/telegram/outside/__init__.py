"""Chats that the bot is not in."""
