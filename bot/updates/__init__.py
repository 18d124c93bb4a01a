"""Updates from Telegram: received, stored, ordered per chat."""
