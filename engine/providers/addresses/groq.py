"""Groq: gpt-oss always thinks (`low` is the minimum), qwen3 can be switched off; usage is in `x_groq`.

A transcription is billed as at least ten seconds (console.groq.com/docs/speech-to-text).
"""

from engine.providers.spec import Spec

SPEC = Spec(
    name="groq",
    base_url="https://api.groq.com/openai/v1",
    close_stops_bill=False,
    one_choice=True,
    least_billed_seconds=10,
    without=frozenset({"logprobs", "top_logprobs", "logit_bias", "messages.name"}),
    output_field="max_completion_tokens",
    thinking_off=(
        ("gpt-oss", {"reasoning_effort": "low"}),
        ("qwen3", {"reasoning_effort": "none"}),
    ),
    console_url="console.groq.com/keys",
    free_tier=True,
)
