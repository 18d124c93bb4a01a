"""Usage and bills in OpenAI's shape, as all providers of that dialect report them."""

import json
from decimal import Decimal

from engine.chat import Usage
from engine.providers.reported_costs import reported_cost
from engine.providers.sse import Frame
from engine.providers.streams.endings import UsageCounts, reconciled


def billed_usd(frame: Frame) -> Decimal | None:
    """Return the bill that a frame reports, with its exact digits; None if none above zero is reported."""
    return reported_cost(json.loads(frame.data, parse_float=Decimal).get("usage"))


def usage_of(counts: UsageCounts, cost_usd: Decimal | None = None) -> Usage:
    """Read usage: each count is looked up in the fields of all providers. The gateway checks whether it is credible.

    If the parts and the total disagree, the larger count is used, and the usage is marked as disputed.
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
        cached, prompt = read, prompt + read + written  # Anthropic's names: plain, read and written input are disjoint
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
