"""Messages to Telegram within its rate limits: previews, edits and final answers."""
