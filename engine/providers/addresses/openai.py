"""OpenAI: reasoning models refuse `max_tokens`; chunks are padded unless a request disables it.

Embeddings: 2,048 inputs and 300,000 tokens a request, 8,192 tokens an input, no empty string (API reference).
"""

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
    embeds_base64=True,
    most_embedding_inputs=512,
    console_url="platform.openai.com/api-keys",
)
