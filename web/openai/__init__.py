"""OpenAI's endpoints: no code change but the base URL."""
