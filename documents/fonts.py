"""The typeface Source Sans Pro (SIL Open Font License), for Latin, Vietnamese, Greek and Cyrillic."""

import unicodedata
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def typeface(weight: str = "Regular") -> Path:
    """Return the font file of a weight: Regular, Semibold or Bold.

    The package is located without importing it, because its import lists all its files.
    """
    spec = find_spec("font_source_sans_pro")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "files" / f"SourceSansPro-{weight}.ttf"


def drawable(text: str) -> str:
    """Return `text` without the characters that the typeface lacks (other scripts, emoji), with single spaces."""
    available = _characters()
    normalized = unicodedata.normalize("NFKC", text)
    return " ".join("".join(char if ord(char) in available else " " for char in normalized).split())


@cache
def _characters() -> frozenset[int]:
    """Return the characters that both weights used in invoices have."""
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # noqa: PLC0415 - loaded with the first invoice

    return frozenset.intersection(
        *(frozenset(TTFont(typeface(weight)).getBestCmap()) for weight in ("Regular", "Semibold"))
    )
