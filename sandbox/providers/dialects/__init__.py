"""How each dialect is spoken by those who sell: one object per provider."""

from sandbox.providers.dialects.anthropic import AnthropicStandIn
from sandbox.providers.dialects.base import Dialect
from sandbox.providers.dialects.gemini import GeminiStandIn
from sandbox.providers.dialects.openai import OpenAIStandIn
from sandbox.providers.dialects.sellers import DeepSeek, Groq, Mistral, OpenRouter

DIALECTS: dict[str, Dialect] = {
    "deepseek": DeepSeek(),
    "gemini": GeminiStandIn(),
    "openrouter": OpenRouter(),
    "openai": OpenAIStandIn(),
    "anthropic": AnthropicStandIn(),
    "groq": Groq(),
    "mistral": Mistral(),
}

__all__ = ["DIALECTS", "Dialect"]
