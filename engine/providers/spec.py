"""Spec: the facts about one provider. A provider's address is data; its dialect is code in `dialects/`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from engine.ports import ProviderCall
from engine.privacy import UNKNOWN, DataPolicy, Exclusions, refused_upstreams
from engine.providers.balances import BalanceCall
from engine.providers.mending.pictures import PictureRules

Efforts: TypeAlias = Mapping[str, Mapping[str, Any]]
"""The fields that ask for an effort of thinking, by the name of the effort in OpenAI's API."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One provider. Facts and their sources are in the provider's file in `addresses/`.

    `brand`: its name as people know it, for the chat. `dialect`: a module of `dialects/`. `needs_key`: False for a
    server without API keys. `close_stops_bill`: closing the socket stops the bill. `output_field`, `seed_field`: the
    provider's names for the output limit and the seed. `asks_usage`, `asks_no_padding`: send `stream_options` to get
    usage, and to get chunks without padding. `without`: fields, and parts of a message (`messages.name`), that the
    provider refuses. `one_choice`: the provider refuses or ignores `n`. `efforts`: (part of a model's name, fields for
    each effort); the first match wins, and a model without a match gets no effort. None: `reasoning_effort` is sent
    unchanged. `no_effort_with_tools`: parts of the names of models that accept tools only while they don't think.
    `thinking_off`: (part of a model's name, fields that switch its thinking off); the first match wins.
    `thinking_field`: the field in which an assistant's reasoning is sent back; empty: it is not sent back.
    `signed_calls`: a part of the names of models that sign their tool calls and want the signatures back.
    `needs_thinking_back`: while it thinks, each assistant's turn must have `thinking_field`. `most_stops`,
    `most_temperature`, `least_top_p`, `most_tools`: the provider's limits; 0: no limit. `takes_negative_seeds`: False
    if seeds begin at zero. `nine_letter_ids`: ids of tool calls have nine letters. `strict_turns`: it refuses blank
    turns, a user's turn after a tool's, and a begun answer without a mark. `has_schemas`: it enforces a JSON schema;
    otherwise the schema is sent in words, and the answer is checked. `least_billed_seconds`: a shorter recording is
    billed as this length. `embeds_base64`: it can send embeddings as base64 of 32-bit numbers, many in one call.
    `dimensions_field`: its name for the number of dimensions. `most_embedding_inputs`, `most_embedding_bytes`: the
    limits of one call for embeddings. `reports_cost`: usage contains the bill in USD, before the fee. `probe_path`: a
    free GET below the base URL that checks network and key. `catalogue`: its id in genai-prices, if that is not `name`.
    `fee`: share added to catalogue prices. `balance`: the free call that returns the money left, if there is one.
    `data`: its handling of prompts. `upstreams`: a reseller's names for companies that are also providers of ours.
    `console_url`, `free_tier`: for `make setup`: the page that issues API keys, and whether a free tier exists.
    """

    name: str
    base_url: str
    dialect: str = "openai"
    brand: str = ""
    needs_key: bool = True
    close_stops_bill: bool = True
    output_field: str = "max_tokens"
    asks_usage: bool = True
    asks_no_padding: bool = False
    without: frozenset[str] = frozenset()
    one_choice: bool = False
    efforts: tuple[tuple[str, Efforts], ...] | None = None
    no_effort_with_tools: tuple[str, ...] = ()
    least_billed_seconds: int = 0
    thinking_off: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    thinking_field: str = ""
    needs_thinking_back: bool = False
    signed_calls: str = ""
    most_stops: int = 4
    most_temperature: float = 2.0
    least_top_p: float = 0.0
    most_tools: int = 0
    takes_negative_seeds: bool = True
    nine_letter_ids: bool = False
    strict_turns: bool = False
    has_schemas: bool = True
    pictures: PictureRules = field(default_factory=PictureRules)
    seed_field: str = "seed"
    embeds_base64: bool = False
    dimensions_field: str = "dimensions"
    most_embedding_inputs: int = 100
    most_embedding_bytes: int = 1_000_000
    probe_path: str = "/models"
    balance: BalanceCall | None = None
    catalogue: str = ""
    fee: str = "0"
    reports_cost: bool = False
    data: DataPolicy = UNKNOWN
    upstreams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    console_url: str = ""
    free_tier: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_self_hosted(self) -> bool:
        """True for a server that an operator runs or names: its features are unknown."""
        return not self.console_url


def thinking_off(call: ProviderCall, spec: Spec) -> Mapping[str, Any]:
    """Return the fields that switch thinking off; none if the request itself sets an effort."""
    if call.request.options.reasoning_effort:
        return {}
    return next((fields for part, fields in spec.thinking_off if part in call.model), {})


def upstream_choice(exclusions: Exclusions, spec: Spec) -> dict[str, Any]:
    """Return the field that stops a reseller from passing a prompt on to companies that the tenant excludes."""
    if not exclusions or not spec.data.can_refuse:
        return {}
    refused = refused_upstreams(exclusions, spec.upstreams)
    choice = {"data_collection": "deny" if exclusions.training else None, "ignore": refused or None}
    chosen = {name: value for name, value in choice.items() if value}
    return {"provider": chosen} if chosen else {}
