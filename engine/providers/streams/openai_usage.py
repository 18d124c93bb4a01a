"""Usage and bills in OpenAI's shape, as all providers of that dialect report them."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from engine.chat import Usage
from engine.providers.reported_costs import reported_cost
from engine.providers.sse import Frame
from engine.providers.streams.endings import UsageCounts, in_snake_case, reconciled
from engine.providers.streams.listed import listed

_PROMPT = (
    *("prompt_tokens", "input_tokens", "prompt_token_count", "tokens.input_tokens", "billed_units.input_tokens"),
    *("input_token_count", "prompt_eval_count", "input"),
)
_COMPLETION = (
    *("completion_tokens", "output_tokens", "tokens.output_tokens", "billed_units.output_tokens"),
    *("output_token_count", "eval_count", "output"),
)
_CACHED = (
    "prompt_tokens_details.cached_tokens",
    "prompt_token_details.cached_tokens",
    "input_tokens_details.cached_tokens",
    "cached_tokens",
    "num_cached_tokens",
    "cached_content_token_count",
)

_OWN = frozenset(
    {"prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details"}
)
_PROMPT_PARTS = frozenset({"cached_tokens", "audio_tokens", "text_tokens", "image_tokens"})


def plain_usage(report: Mapping[str, Any]) -> Usage | None:
    """Return the usage in a report as OpenAI writes it, if it adds up; None if only `usage_of` can read it."""
    if not report.keys() <= _OWN:
        return None
    prompt, completion = report.get("prompt_tokens"), report.get("completion_tokens")
    parts, output_parts = report.get("prompt_tokens_details") or {}, report.get("completion_tokens_details") or {}
    if not (type(prompt) is type(completion) is int and type(parts) is type(output_parts) is dict):
        return None
    cached, reasoning = parts.get("cached_tokens") or 0, output_parts.get("reasoning_tokens") or 0
    if not (type(cached) is type(reasoning) is int and parts.keys() <= _PROMPT_PARTS):
        return None
    is_credible = 0 <= cached <= prompt and 0 <= reasoning <= completion
    adds_up = report.get("total_tokens") == prompt + completion
    return Usage(prompt, completion, cached, 0, reasoning) if is_credible and adds_up else None


def billed_usd(frame: Frame) -> Decimal | None:
    """Return the bill that a frame reports, with its exact digits; None if none above zero is reported."""
    return reported_cost(json.loads(frame.data, parse_float=Decimal).get("usage"))


def reports_in(data: Mapping[str, Any], groq: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the usage reports of a chunk, from the least to the most exact, with names in OpenAI's spelling."""
    timings = data.get("timings")  # llama.cpp
    if isinstance(timings, dict) and timings.keys() >= {"prompt_n", "predicted_n"}:
        yield {"timings": timings}
    found: list[Any] = [groq.get("usage")]
    for choice in listed(data.get("choices")):
        found += [choice.get("usage"), *(_usage_in(choice.get(name)) for name in ("delta", "message"))]
    found += [
        data.get(name) for name in ("usageMetadata", "usage_metadata", "meta", "amazon-bedrock-invocationMetrics")
    ]
    found += [_usage_in(data.get("metadata")), data.get("usage")]
    if data.get("eval_count"):  # Ollama
        found.append({name: data.get(name) for name in ("prompt_eval_count", "eval_count")})
    for report in found:
        yield from (
            in_snake_case(each) for each in (report if isinstance(report, list) else [report]) if _has_counts(each)
        )


def _usage_in(part: Any) -> Any:
    return part.get("usage") if isinstance(part, dict) else None


def _has_counts(report: Any) -> bool:
    return isinstance(report, dict) and bool(report)


def usage_of(counts: UsageCounts, cost_usd: Decimal | None = None) -> Usage:
    """Read usage: each count is looked up in the fields of all providers. The gateway checks whether it is credible.

    If the parts and the total disagree, the larger count is used, and the usage is marked as disputed.
    """
    first = counts.first
    prompt = first(*_PROMPT) or first("timings.prompt_n") + first("timings.cache_n")
    completion = first(*_COMPLETION) or first("candidates_token_count") + first("thoughts_token_count")
    completion = completion or first("timings.predicted_n")
    total = first("total_tokens", "total_token_count", "total")
    reasoning = first(
        "completion_tokens_details.reasoning_tokens",
        "output_tokens_details.reasoning_tokens",
        "reasoning_tokens",
        "thoughts_token_count",
    )
    hit, miss = first("prompt_cache_hit_tokens"), first("prompt_cache_miss_tokens")
    read = first("cache_read_input_tokens")
    cached = first(*_CACHED) or hit or (read if 0 < total == prompt + completion else 0)
    written = first(
        "prompt_tokens_details.cache_write_tokens",
        "prompt_tokens_details.cache_creation_input_tokens",
        "cache_creation_input_tokens",
    )
    is_apart = total == prompt + read + written + completion or read + written > prompt >= 0
    if read + written and (not first("prompt_tokens") or (read and is_apart)):
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
