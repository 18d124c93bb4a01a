"""Messages to Telegram within its limits: previews, edits and final answers."""
