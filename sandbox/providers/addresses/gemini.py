"""Gemini's stand-in: the plain one of its dialect."""

from sandbox.providers.dialects.gemini import GeminiStandIn

STAND_IN = GeminiStandIn("Gemini")
