"""Gemini over its native REST API. We assume that closing the socket does not stop the bill.

Embeddings: 100 inputs per request (400 "at most 100 requests can be in one batch"); some answers report no usage.

Prompts go to the United States. Prompts to unpaid services improve Google's products, and people may read them; prompts
to paid services are not used so (ai.google.dev/gemini-api/terms).
"""

from engine.privacy import DataPolicy
from engine.providers.mending.pictures import HEIC, HEIF, JPEG, MEGABYTE, PNG, WEBP, PictureRules
from engine.providers.spec import Spec

SPEC = Spec(
    name="gemini",
    brand="Gemini",
    base_url="https://generativelanguage.googleapis.com/v1beta",
    dialect="gemini",
    close_stops_bill=False,
    catalogue="google",
    thinking_off=(
        ("2.5-flash-lite", {}),
        ("2.5-flash", {"thinkingBudget": 0}),
        ("2.5-pro", {}),
        ("3.7-flash", {"thinkingLevel": "low"}),
        ("3.8-flash", {"thinkingLevel": "low"}),
        ("-pro", {"thinkingLevel": "low"}),
        ("gemini-3", {"thinkingLevel": "minimal"}),
    ),
    most_stops=5,
    pictures=PictureRules(
        frozenset({PNG, JPEG, WEBP, HEIC, HEIF}), 20 * MEGABYTE, takes_addresses=False, most_pictures=3600
    ),
    data=DataPolicy("US", trains=False, free_tier_trains=True),
    console_url="aistudio.google.com/apikey",
    free_tier=True,
)
