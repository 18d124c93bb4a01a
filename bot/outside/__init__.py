"""Answers in chats that the bot is not in: guest mode and inline results."""
