from collections.abc import Iterator
from functools import partial

import pytest

import locales
from bot.error_texts import _KEYS, sentence
from engine import errors


def family(kind: type[errors.EngineError]) -> Iterator[type[errors.EngineError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from family(child)


def reaches_readers(kind: type[errors.EngineError]) -> bool:
    """Parents and single attempts never do by themselves; they fall back as below."""
    ours = kind.__module__ == errors.__name__
    return ours and kind is not errors.Refused and not issubclass(kind, errors.ProviderError)


@pytest.mark.parametrize("language", locales.LANGUAGES)
@pytest.mark.parametrize("kind", [*filter(reaches_readers, family(errors.EngineError))])
def test_every_error_has_its_sentence(kind: type[errors.EngineError], language: str) -> None:
    keys = {errors.EngineError: "error.EngineError"} | {known: key for known, (key, _) in _KEYS.items()}
    nearest = next(parent for parent in kind.__mro__ if parent in keys)
    assert nearest is not errors.EngineError or kind is errors.EngineError
    assert keys[nearest] in locales.LANGUAGES[language]


def test_what_nobody_foresaw_gets_the_general_sentence() -> None:
    t = partial(locales.text, "en")
    assert sentence(t, errors.Overloaded("boom")) == locales.text("en", "error.EngineError")
