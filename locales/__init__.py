"""Every word that a user reads, by key and language. English stands in where a language has no word."""

from collections.abc import Mapping

from locales import en, vi

DEFAULT = "en"
LANGUAGES: Mapping[str, Mapping[str, str]] = {"en": en.TEXTS, "vi": vi.TEXTS}


def text(language: str, key: str, /, **values: object) -> str:
    """Raises KeyError for a key that English lacks: a test walks them all."""
    texts = LANGUAGES.get(language.partition("-")[0].lower(), en.TEXTS)
    template = texts.get(key) or en.TEXTS[key]
    return template.format(**values) if values else template
