"""Facts about models, found by a part of the model's name, that decide which fields a request may have.

Sources: the providers' documentation, and refusals reported in public issues.
"""

import re
from functools import lru_cache
from typing import NamedTuple

_CLAUDE_VERSION = re.compile(r"(?P<family>haiku|sonnet|opus|fable|mythos)-(?P<major>\d)(?:[-.](?P<minor>\d)(?!\d))?")
_OLD_CLAUDE_VERSION = re.compile(r"claude-(?P<major>\d)[-.](?P<minor>\d)-")
NO_SIGNATURE = "skip_thought_signature_validator"
"""Google's value for a call that has no signature, as those of other providers (ai.google.dev, thought signatures).

OpenRouter passes it on as the data of encrypted reasoning: Roo Code sends it so (RooCodeInc/Roo-Code 10759).
"""
_OLD_GEMINI = re.compile(r"gemini-[12][.-]|gemma")
_WITH_PENALTIES = re.compile(r"gemini-(1|2\.0)")
_OPENAI_REASONING = re.compile(r"(^|/)(o\d|gpt-[5-9](?!\.?\d*-chat))")


class Claude(NamedTuple):
    """Abilities of one Claude model.

    `efforts`: those accepted in `output_config`. `has_thinking`: it can think; `is_adaptive`: without a token budget.
    `thinks_unasked`: it thinks unless that is switched off. `takes_sampling`: it accepts temperature and top_p.
    `takes_prefill`: it continues an answer that the last message has begun. `has_structured_output`: it accepts
    `output_config.format`. `cached_from_tokens`: the shortest prefix that it caches. `most_pictures`: in one request.
    """

    efforts: tuple[str, ...]
    has_thinking: bool
    is_adaptive: bool
    thinks_unasked: bool
    takes_sampling: bool
    takes_prefill: bool
    has_structured_output: bool
    cached_from_tokens: int
    most_pictures: int


@lru_cache(maxsize=1024)
def claude(model: str) -> Claude:
    """Return the abilities of a Claude model. An unknown name is treated as a model of the newest generation."""
    family, version = _claude_version(model)
    has_effort = version >= (4, 6) or (family, version) == ("opus", (4, 5))
    efforts: tuple[str, ...] = ("low", "medium", "high")
    if version >= (4, 6):
        efforts += ("max",)
    if version >= (4, 7):
        efforts += ("xhigh",)
    return Claude(
        efforts=efforts if has_effort else (),
        has_thinking=version >= (3, 7),
        is_adaptive=version >= (4, 6),
        thinks_unasked=version >= (5, 0),
        takes_sampling=version < (4, 7),
        takes_prefill=version < (4, 6),
        has_structured_output=version >= (4, 5),
        cached_from_tokens=_claude_cached_from(family, version),
        most_pictures=600 if version >= (5, 0) else 100,
    )


def _claude_version(model: str) -> tuple[str, tuple[int, int]]:
    if found := _CLAUDE_VERSION.search(model):
        return found["family"], (int(found["major"]), int(found["minor"] or 0))
    if found := _OLD_CLAUDE_VERSION.search(model):
        return "", (int(found["major"]), int(found["minor"]))
    return "", ((3, 0) if "claude-3" in model else (9, 0))


def _claude_cached_from(family: str, version: tuple[int, int]) -> int:
    if version >= (5, 0):
        return 1024
    if version == (4, 5) and family in {"haiku", "opus"}:
        return 4096
    return 2048 if family == "haiku" or "haiku" in family else 1024


@lru_cache(maxsize=1024)
def needs_signatures(model: str) -> bool:
    """Return whether a Gemini model refuses calls without a thought signature in the history: version 3 and later."""
    return not _OLD_GEMINI.search(model)


@lru_cache(maxsize=1024)
def takes_penalties(model: str) -> bool:
    """Return False for a Gemini model that refuses frequency and presence penalties: version 2.5 and later.

    "Penalty is not enabled for this model" (google-gemini/cookbook 1290, vercel/ai 8943).
    """
    return "gemini-" not in model or _WITH_PENALTIES.search(model) is not None


@lru_cache(maxsize=1024)
def is_openai_reasoning(model: str) -> bool:
    """Return whether the model refuses sampling parameters and `max_tokens`."""
    return _OPENAI_REASONING.search(model) is not None
