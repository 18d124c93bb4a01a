"""Rich messages, checked as Telegram does."""
