"""Groups: senders and admins, the greeting, and the messages that a question there may include."""
