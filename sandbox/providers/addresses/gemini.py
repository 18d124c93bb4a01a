"""Gemini's stand-in: the dialect as it is."""

from sandbox.providers.dialects.gemini import GeminiStandIn

STAND_IN = GeminiStandIn("Gemini")
