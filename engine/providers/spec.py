"""Spec: an address is data. A dialect is code, in a file of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Dialect = Literal["openai", "gemini", "anthropic"]


@dataclass(frozen=True, slots=True)
class Spec:
    """One seller. Facts with their sources stand in each address's file.

    `thinking_off`: (a part of the model's name, the fields that switch its thinking off), first match wins.
    `without`: fields (and parts of a message, as `messages.name`) that are an error there. `efforts`: what a wish for
    an effort of thinking is said as, where it isn't `reasoning_effort`. `one_choice`: `n` is refused or ignored.
    `least_billed_seconds`: the shortest recording that a transcription is billed as.
    `requests_per_day`: its x-ratelimit-*-requests speak of a day. `fee`: what comes on top of catalogue prices.
    """

    name: str
    base_url: str
    dialect: Dialect = "openai"
    needs_key: bool = True
    close_stops_bill: bool = True
    output_field: str = "max_tokens"
    asks_usage: bool = True
    asks_no_padding: bool = False
    without: frozenset[str] = frozenset()
    one_choice: bool = False
    efforts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    requests_per_day: bool = False
    least_billed_seconds: int = 0
    thinking_off: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    seed_field: str = "seed"
    probe_path: str = "/models"
    fee: str = "0"
    console_url: str = ""
    free_tier: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
