"""Colours of the charts. The background is dark enough for a light chat, and light enough for a dark one."""

from zlib import crc32

BACKGROUND, INK, SOFT, FAINT = "#243447", "#f4f7fa", "#b3c1cf", "#3c5067"
OTHERS, EARNED, SPENT, COUNTED = "#8696a7", "#4fc38a", "#f0746e", "#8ec5ff"
USUAL = {
    "deepseek-v4-flash": "#4f9df7",
    "gemini-2.5-flash-lite": "#f7b13c",
    "gpt-4o-mini": "#4fc38a",
    "gpt-4o": "#5ad1e6",
    "claude-haiku-5-5": "#ef8354",
    "claude-haiku-4-5": "#d9a07c",
    "gemini-3.8-flash": "#f4d35e",
    "mistral-small-latest": "#f0746e",
    "gpt-oss-20b": "#b18cf5",
    "gpt-oss-120b": "#8f7bf0",
    "default": "#9ccc65",
}
"""The colours of the models that are sold unless the operator chooses others, by the last part of their names."""
FURTHER = (
    "#ec7fc4",
    "#d98cff",
    "#c9d64f",
    "#e59bf0",
    "#f59fa6",
    "#7fb2ff",
    "#76d7a4",
    "#e3b07a",
    "#9fa8ff",
    "#52c7b8",
    "#d7b6f7",
    "#a8d08d",
)


def colour_of(model: str) -> str:
    """Return a model's colour: the same in each chart, on each day and for each user."""
    name = model.rpartition("/")[2]
    return USUAL.get(name) or FURTHER[crc32(name.encode()) % len(FURTHER)]
