"""The Telegram bot: updates, commands, answers and payments."""
