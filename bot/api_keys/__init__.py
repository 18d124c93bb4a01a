"""API keys in the chat: the words of /keys, the messages with a secret, and the names of keys."""
