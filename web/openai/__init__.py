"""OpenAI's endpoints: a client of OpenAI needs only another base URL."""
