"""Groq: gpt-oss always thinks (the minimum is `low`), qwen3's thinking can be switched off; usage is in `x_groq`.

Other models refuse `reasoning_effort`. A transcription is billed as at least ten seconds
(console.groq.com/docs/speech-to-text), and a picture may have 4 MB (console.groq.com/docs/vision).

Prompts go to the United States. They are not kept by default, and none of its plans trains on them
(console.groq.com/docs/your-data).
"""

from engine.privacy import DataPolicy
from engine.providers.mending.pictures import COMMON_TYPES, MEGABYTE, PictureRules
from engine.providers.spec import Spec

SPEC = Spec(
    name="groq",
    brand="Groq",
    base_url="https://api.groq.com/openai/v1",
    close_stops_bill=False,
    one_choice=True,
    most_tools=128,
    least_top_p=0.01,
    least_billed_seconds=10,
    without=frozenset({"logprobs", "top_logprobs", "logit_bias", "messages.name"}),
    output_field="max_completion_tokens",
    efforts=(
        (
            "gpt-oss",
            {
                "none": {"reasoning_effort": "low"},
                "minimal": {"reasoning_effort": "low"},
                "low": {"reasoning_effort": "low"},
                "medium": {"reasoning_effort": "medium"},
                "high": {"reasoning_effort": "high"},
                "xhigh": {"reasoning_effort": "high"},
                "max": {"reasoning_effort": "high"},
            },
        ),
        (
            "qwen3",
            {
                "none": {"reasoning_effort": "none"},
                "minimal": {"reasoning_effort": "none"},
                **{effort: {"reasoning_effort": "default"} for effort in ("low", "medium", "high", "xhigh", "max")},
            },
        ),
    ),
    thinking_off=(
        ("gpt-oss", {"reasoning_effort": "low"}),
        ("qwen3", {"reasoning_effort": "none"}),
    ),
    pictures=PictureRules(COMMON_TYPES, 4 * MEGABYTE, most_pictures=5),
    data=DataPolicy("US", trains=False, free_tier_trains=False),
    console_url="console.groq.com/keys",
    free_tier=True,
)
