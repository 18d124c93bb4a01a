"""API keys in the chat: the words of /keys, messages with a secret, and names of keys."""
