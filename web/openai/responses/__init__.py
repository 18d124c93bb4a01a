"""OpenAI's responses: one conversation item after the other, kept for the next request where that is asked for."""
