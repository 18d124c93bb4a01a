"""Models that think before their first token: always by their name, others if the request sets an effort."""

import re
from functools import lru_cache

UNTHINKING_EFFORTS = frozenset({"none", "minimal"})

_THINKING_MODELS = re.compile(
    r"""
    (?:^|/)o[1-9](?:$|[-:])                      # o1, o3-mini, o4-mini
    | gpt-5 | gpt-[6-9][\d.]*-pro                # `minimal` effort still thinks
    | gpt-oss                                    # can't be switched off
    | (?<!non-)(?<!no-)(?:reasoner|reasoning|thinking)
    | deepseek-r\d
    | gemini-2\.5-pro | gemini-[3-9][\d.]*-pro   # can't be switched off
    | (?:opus|sonnet)-5                          # adaptive unless disabled
    | magistral | qwq | qvq | minimax-m\d | grok-(?:3-mini|4)
    """,
    re.VERBOSE,
)


@lru_cache(maxsize=4096)
def is_thinking_model(model: str) -> bool:
    """Return whether a model thinks even if no effort is requested. Adapters switch that off if they can."""
    return _THINKING_MODELS.search(model.lower()) is not None


@lru_cache(maxsize=4096)
def thinks_first(model: str, effort: str | None) -> bool:
    """Return whether a request with this `reasoning_effort` may bring nothing for long before its first token."""
    return is_thinking_model(model) or (effort is not None and effort not in UNTHINKING_EFFORTS)
