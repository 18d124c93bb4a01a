"""Updates from Telegram: received by polling or webhook, stored, and ordered per chat."""
