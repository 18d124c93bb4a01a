"""Source Sans Pro (SIL Open Font License): knows Latin, Vietnamese, Greek and Cyrillic."""

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
