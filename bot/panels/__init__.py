"""Messages that a press changes in place."""
