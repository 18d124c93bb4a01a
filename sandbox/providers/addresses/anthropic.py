"""Anthropic's stand-in: the plain one of its dialect."""

from sandbox.providers.dialects.anthropic import AnthropicStandIn

STAND_IN = AnthropicStandIn("Anthropic")
