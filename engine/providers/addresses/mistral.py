"""Mistral: refuses unknown fields; usage always comes in the last chunk.

Embeddings: 16,384 tokens a request, whose text has at least two bytes a token (400 "Too many tokens in batch", code
3210), 512 inputs a request, and `output_dimension` for codestral-embed alone.
"""

from engine.providers.spec import Spec

SPEC = Spec(
    name="mistral",
    base_url="https://api.mistral.ai/v1",
    close_stops_bill=False,
    asks_usage=False,
    without=frozenset({"logprobs", "top_logprobs", "logit_bias", "messages.name"}),
    seed_field="random_seed",
    dimensions_field="output_dimension",
    most_embedding_inputs=128,
    most_embedding_bytes=32_000,
    console_url="console.mistral.ai/api-keys",
    free_tier=True,
)
