"""Mistral: refuses unknown fields; usage always comes in the last chunk."""

from engine.providers.spec import Spec

SPEC = Spec(
    name="mistral",
    base_url="https://api.mistral.ai/v1",
    close_stops_bill=False,
    asks_usage=False,
    without=frozenset({"logprobs", "top_logprobs", "logit_bias", "messages.name"}),
    seed_field="random_seed",
    console_url="console.mistral.ai/api-keys",
    free_tier=True,
)
