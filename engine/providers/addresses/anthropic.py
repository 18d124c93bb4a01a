"""Anthropic: `max_tokens` is required, and thinking counts towards it."""

from engine.providers.spec import Spec

SPEC = Spec(
    name="anthropic",
    base_url="https://api.anthropic.com/v1",
    dialect="anthropic",
    thinking_off=(("haiku-5", {"type": "disabled"}),),
    console_url="console.anthropic.com",
    headers={"anthropic-version": "2023-06-01"},
)
