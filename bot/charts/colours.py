"""Colours of the charts. The background is dark enough for a light chat, and light enough for a dark one."""

from collections.abc import Sequence
from zlib import crc32

BACKGROUND, INK, SOFT, FAINT = "#243447", "#f4f7fa", "#b3c1cf", "#3c5067"
OTHERS, EARNED, SPENT, COUNTED = "#8696a7", "#4fc38a", "#f0746e", "#8ec5ff"
USUAL = {
    "deepseek-v4-flash": "#4f9df7",
    "gemini-2.5-flash-lite": "#f7b13c",
    "gpt-4o-mini": "#4fc38a",
    "gpt-4o": "#5ad1e6",
    "claude-haiku-5-5": "#ef8354",
    "claude-haiku-4-5": "#ab9849",
    "gemini-3.8-flash": "#f4e06a",
    "mistral-small-latest": "#ee4456",
    "gpt-oss-20b": "#b18cf5",
    "gpt-oss-120b": "#7b6cda",
    "default": "#a5d24b",
}
"""The colours of the models that are sold unless the operator chooses others, by the last part of their names."""
FURTHER = ("#f47ac8", "#e23ca4", "#bc627a", "#fdc3f2", "#cf3ff0", "#b8e0c8", "#3ff0b4", "#d4a5a0")
"""The colours of other models. No two of all colours, with that of "others", are hard to tell apart."""


def colours_of(models: Sequence[str]) -> list[str]:
    """Return a colour for each model of one chart, no two of which are the same while there are enough.

    A usual model always has its own colour. Another one has the same in each chart, unless a model before it has that.
    """
    found: dict[str, str] = {}
    for model in sorted(models, key=lambda each: _name_of(each) not in USUAL):
        wanted = _wanted(_name_of(model))
        found[model] = next((colour for colour in wanted if colour not in found.values()), wanted[0])
    return [found[model] for model in models]


def _wanted(name: str) -> list[str]:
    """Return the colours for a model, best first: its own one, the further ones, and those of usual models."""
    first = crc32(name.encode()) % len(FURTHER)
    own = [USUAL[name]] if name in USUAL else []
    return [*own, *FURTHER[first:], *FURTHER[:first], *USUAL.values()]


def _name_of(model: str) -> str:
    """Return the name of a model without that of a reseller."""
    return model.rpartition("/")[2]
