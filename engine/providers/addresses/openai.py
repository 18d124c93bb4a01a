"""OpenAI: reasoning models refuse `max_tokens`; chunks are padded unless a request disables it.

Embeddings: 2,048 inputs and 300,000 tokens per request, 8,192 tokens per input, no empty string (API reference).

The lowest effort is `minimal` for gpt-5 and `none` since gpt-5.1. Since gpt-5.2, chat completions refuse tools with any
effort but `none`. Chat and pro models accept only their own effort.

Prompts go to the United States. OpenAI does not train on API content unless its customer opts in
(developers.openai.com/api/docs/guides/your-data), for which it offers free daily tokens.
"""

from engine.privacy import DataPolicy
from engine.providers.spec import Efforts, Spec

_SMALLEST_FIRST = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


def _efforts(*taken: str) -> Efforts:
    """Return the fields to send for each effort: those of the nearest effort that the model accepts."""
    places = [_SMALLEST_FIRST.index(effort) for effort in taken]
    nearest = (min(places, key=lambda place: abs(place - wanted)) for wanted in range(len(_SMALLEST_FIRST)))
    return {
        effort: {"reasoning_effort": _SMALLEST_FIRST[place]}
        for effort, place in zip(_SMALLEST_FIRST, nearest, strict=True)
    }


SPEC = Spec(
    name="openai",
    brand="OpenAI",
    base_url="https://api.openai.com/v1",
    asks_no_padding=True,
    most_tools=128,
    output_field="max_completion_tokens",
    efforts=(
        ("-chat", {}),
        ("-pro", _efforts("medium", "high")),
        ("gpt-5.1", _efforts("none", "low", "medium", "high")),
        ("gpt-5.", _efforts("none", "low", "medium", "high", "xhigh")),
        ("gpt-5", _efforts("minimal", "low", "medium", "high")),
        ("gpt-6", _efforts("none", "low", "medium", "high", "xhigh", "max")),
        ("o1", _efforts("low", "medium", "high")),
        ("o3", _efforts("low", "medium", "high")),
        ("o4", _efforts("low", "medium", "high")),
    ),
    no_effort_with_tools=("gpt-5.2", "gpt-5.3", "gpt-5.4", "gpt-5.5", "gpt-5.6", "gpt-5.7", "gpt-6"),
    thinking_off=(
        ("-chat", {}),
        ("-pro", {}),
        ("gpt-5.", {"reasoning_effort": "none"}),
        ("gpt-5", {"reasoning_effort": "minimal"}),
        ("gpt-6", {"reasoning_effort": "none"}),
    ),
    embeds_base64=True,
    most_embedding_inputs=512,
    most_embedding_bytes=600_000,
    data=DataPolicy("US", trains=False, free_tier_trains=True),
    console_url="platform.openai.com/api-keys",
)
