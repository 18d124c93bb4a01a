"""Anthropic: `max_tokens` is required, and thinking counts towards it. Pictures: at most 5 MB and 8,000 pixels a side.

Prompts go to the United States. The commercial terms rule out training on customers' content
(anthropic.com/legal/commercial-terms).
"""

from engine.privacy import DataPolicy
from engine.providers.mending.pictures import COMMON_TYPES, MEGABYTE, PictureRules
from engine.providers.spec import Spec

SPEC = Spec(
    name="anthropic",
    brand="Anthropic",
    base_url="https://api.anthropic.com/v1",
    dialect="anthropic",
    thinking_off=(("haiku-5", {"type": "disabled"}),),
    most_stops=8191,
    most_temperature=1.0,
    pictures=PictureRules(COMMON_TYPES, 5 * MEGABYTE, most_pixels_a_side=8000, most_pixels_of_many=(20, 2000)),
    data=DataPolicy("US", trains=False, free_tier_trains=False),
    console_url="console.anthropic.com",
    headers={"anthropic-version": "2023-06-01"},
)
