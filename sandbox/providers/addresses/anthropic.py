"""Anthropic's stand-in: the dialect as it is."""

from sandbox.providers.dialects.anthropic import AnthropicStandIn

STAND_IN = AnthropicStandIn("Anthropic")
