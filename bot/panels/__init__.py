"""Messages that buttons change in place."""
