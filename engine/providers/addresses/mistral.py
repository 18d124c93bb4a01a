"""Mistral: refuses unknown fields; usage always comes in the last chunk.

Embeddings: 16,384 tokens per request, and a token has at least two bytes (400 "Too many tokens in batch", code 3210);
512 inputs per request; `output_dimension` only for codestral-embed.

The rules for its turns are those of mistral-common's request validator. Only some models think, with the efforts `none`
or `high`.

Prompts go to France. Mistral may train on those of the free plan, and does not on those of the paid one
(help.mistral.ai/en/articles/323757-do-you-use-my-user-data-to-train-your-artificial-intelligence-models).
"""

from engine.privacy import DataPolicy
from engine.providers.mending.pictures import COMMON_TYPES, MEGABYTE, PictureRules
from engine.providers.spec import Efforts, Spec

_EFFORTS: Efforts = {
    "none": {"reasoning_effort": "none"},
    "minimal": {"reasoning_effort": "none"},
    **{effort: {"reasoning_effort": "high"} for effort in ("low", "medium", "high", "xhigh", "max")},
}

SPEC = Spec(
    name="mistral",
    brand="Mistral",
    base_url="https://api.mistral.ai/v1",
    close_stops_bill=False,
    asks_usage=False,
    without=frozenset({"logprobs", "top_logprobs", "logit_bias", "messages.name"}),
    efforts=(("mistral-small", _EFFORTS), ("mistral-medium", _EFFORTS)),
    most_temperature=1.5,
    least_top_p=0.01,
    takes_negative_seeds=False,
    nine_letter_ids=True,
    strict_turns=True,
    pictures=PictureRules(COMMON_TYPES, 10 * MEGABYTE, most_pictures=8),
    seed_field="random_seed",
    dimensions_field="output_dimension",
    most_embedding_inputs=128,
    most_embedding_bytes=32_000,
    data=DataPolicy("FR", trains=False, free_tier_trains=True),
    console_url="console.mistral.ai/api-keys",
    free_tier=True,
)
