"""OpenAI's responses: a conversation as a sequence of items, stored for the next request if the client wants that."""
