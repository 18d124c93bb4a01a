"""The names of providers as people know them."""

_BRANDS = {
    "anthropic": "Anthropic",
    "deepseek": "DeepSeek",
    "gemini": "Gemini",
    "groq": "Groq",
    "mistral": "Mistral",
    "openai": "OpenAI",
    "openrouter": "OpenRouter",
}


def brand(provider: str) -> str:
    """Return the brand of a provider; its own name where the operator added it."""
    return _BRANDS.get(provider, provider)
