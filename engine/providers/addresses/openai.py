"""OpenAI: reasoning models refuse `max_tokens`; chunks are padded unless a request disables it."""

from engine.providers.spec import Spec

SPEC = Spec(
    name="openai",
    base_url="https://api.openai.com/v1",
    asks_no_padding=True,
    output_field="max_completion_tokens",
    thinking_off=(
        ("gpt-5", {"reasoning_effort": "minimal"}),
        ("gpt-6", {"reasoning_effort": "none"}),
    ),
    console_url="platform.openai.com/api-keys",
)
