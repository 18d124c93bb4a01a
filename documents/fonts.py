"""Source Sans Pro (SIL Open Font License): knows Latin, Vietnamese, Greek and Cyrillic."""

import unicodedata
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def typeface(weight: str = "Regular") -> Path:
    """The file of a weight: Regular, Semibold, Bold. Found, not imported: the package's import lists all its files."""
    spec = find_spec("font_source_sans_pro")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "files" / f"SourceSansPro-{weight}.ttf"


def drawable(text: str) -> str:
    """What of `text` it can draw: other scripts and emoji leave no gaps; nothing where nothing is left."""
    known = _characters()
    plain = unicodedata.normalize("NFKC", text)
    return " ".join("".join(char if ord(char) in known else " " for char in plain).split())


@cache
def _characters() -> frozenset[int]:
    """Those that both weights of a paper have."""
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # noqa: PLC0415 - with the first invoice

    return frozenset.intersection(
        *(frozenset(TTFont(typeface(weight)).getBestCmap()) for weight in ("Regular", "Semibold"))
    )
