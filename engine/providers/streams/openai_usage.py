"""Usage and bills in OpenAI's shape, as all providers of that dialect report them."""

import json
from decimal import Decimal

from engine.chat import Usage
from engine.providers.reported_costs import reported_cost
from engine.providers.sse import Frame
from engine.providers.streams.endings import UsageCounts, reconciled


def billed_usd(frame: Frame) -> Decimal | None:
    """Return the bill that a frame reports, as its exact digits; None where there is none above zero."""
    return reported_cost(json.loads(frame.data, parse_float=Decimal).get("usage"))


def usage_of(counts: UsageCounts, cost_usd: Decimal | None = None) -> Usage:
    """Read usage, with each count in the fields of all providers. Absurd numbers are judged by the gateway.

    Where the parts and the total disagree, the larger counts, and the usage is disputed.
    """
    first = counts.first
    prompt, completion = first("prompt_tokens", "input_tokens"), first("completion_tokens", "output_tokens")
    total = first("total_tokens")
    reasoning = first(
        "completion_tokens_details.reasoning_tokens", "output_tokens_details.reasoning_tokens", "reasoning_tokens"
    )
    hit, miss = first("prompt_cache_hit_tokens"), first("prompt_cache_miss_tokens")
    cached = first("prompt_tokens_details.cached_tokens", "input_tokens_details.cached_tokens", "cached_tokens") or hit
    written = first(
        "prompt_tokens_details.cache_write_tokens",
        "prompt_tokens_details.cache_creation_input_tokens",
        "cache_creation_input_tokens",
    )
    if not first("prompt_tokens") and (read := first("cache_read_input_tokens")) + written:
        cached, prompt = read, prompt + read + written  # Anthropic's names: the three are disjoint
    is_disputed = 0 < prompt < hit + miss
    if 0 <= prompt < hit + miss:
        prompt = hit + miss
    if cached + written > prompt >= 0:
        is_disputed, beside = True, prompt + cached + written
        if total == beside + completion:
            prompt = beside
        else:
            cached = written = 0
    if reasoning > completion >= 0 and not total:
        completion, is_disputed = completion + reasoning, True
    completion, has_other_total = reconciled(prompt, completion, total)
    is_disputed = is_disputed or has_other_total
    return Usage(prompt, completion, cached, written, reasoning, cost_usd=cost_usd, is_disputed=is_disputed)
