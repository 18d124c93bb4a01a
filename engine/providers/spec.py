"""Spec: the facts about one provider. A provider's address is data; its dialect is code in `dialects/`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Spec:
    """One provider. Facts and their sources are in the provider's file in `addresses/`.

    `dialect`: a module of `dialects/`. `needs_key`: False for a server without keys.
    `close_stops_bill`: closing the socket stops the bill.
    `output_field`, `seed_field`: the provider's names for the output limit and the seed.
    `asks_usage`, `asks_no_padding`: send `stream_options` for usage, and against padded chunks.
    `without`: fields, and parts of a message (`messages.name`), that the provider refuses.
    `one_choice`: the provider refuses or ignores `n`.
    `efforts`: the fields for an effort of thinking, where `reasoning_effort` is not the field.
    `thinking_off`: (part of a model's name, fields that switch its thinking off); the first match wins.
    `least_billed_seconds`: the shortest recording that a transcription is billed as.
    `embeds_base64`: its embeddings can be had as base64 of 32-bit numbers, many in one call.
    `dimensions_field`: its name for the number of dimensions.
    `most_embedding_inputs`, `most_embedding_bytes`: the size of one call for embeddings.
    `reports_cost`: usage holds the bill in USD, before the fee.
    `probe_path`: a free GET that checks network and key. `fee`: share on top of catalogue prices.
    `console_url`, `free_tier`: for `make setup`, where a key is had and whether a free tier exists.
    """

    name: str
    base_url: str
    dialect: str = "openai"
    needs_key: bool = True
    close_stops_bill: bool = True
    output_field: str = "max_tokens"
    asks_usage: bool = True
    asks_no_padding: bool = False
    without: frozenset[str] = frozenset()
    one_choice: bool = False
    efforts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    least_billed_seconds: int = 0
    thinking_off: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    seed_field: str = "seed"
    embeds_base64: bool = False
    dimensions_field: str = "dimensions"
    most_embedding_inputs: int = 100
    most_embedding_bytes: int = 1_000_000
    probe_path: str = "/models"
    fee: str = "0"
    reports_cost: bool = False
    console_url: str = ""
    free_tier: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
