"""How each dialect is spoken by those who sell: one object per provider."""

from sandbox.providers.dialects.anthropic import Anthropic
from sandbox.providers.dialects.base import Dialect
from sandbox.providers.dialects.gemini import Gemini
from sandbox.providers.dialects.openai import OpenAI
from sandbox.providers.dialects.sellers import DeepSeek, Groq, Mistral, OpenRouter

DIALECTS: dict[str, Dialect] = {
    "deepseek": DeepSeek(),
    "gemini": Gemini(),
    "openrouter": OpenRouter(),
    "openai": OpenAI(),
    "anthropic": Anthropic(),
    "groq": Groq(),
    "mistral": Mistral(),
}

__all__ = ["DIALECTS", "Dialect"]
