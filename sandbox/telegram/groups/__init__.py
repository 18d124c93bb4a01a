"""Groups of the local Telegram: ephemeral messages, which one member alone sees."""
