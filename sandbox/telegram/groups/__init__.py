"""Groups of the local Telegram: ephemeral messages, which only one member sees."""
