from collections.abc import Iterator
from functools import partial

import pytest

from bot import locales
from bot.words import _KEYS, sentence
from engine import errors


def family(kind: type[errors.EngineError]) -> Iterator[type[errors.EngineError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from family(child)


@pytest.mark.parametrize("language", locales.LANGUAGES)
@pytest.mark.parametrize("kind", [kind for kind in family(errors.EngineError) if kind.__module__ == errors.__name__])
def test_every_error_has_its_sentence(kind: type[errors.EngineError], language: str) -> None:
    if kind is errors.Refused or issubclass(kind, errors.ProviderError):
        return  # parents and single attempts never reach a reader by themselves; they fall back below
    assert any(parent in _KEYS for parent in kind.__mro__ if issubclass(parent, errors.EngineError)) or (
        kind is errors.EngineError
    )
    key = _KEYS[kind][0] if kind in _KEYS else "error.EngineError"
    assert key in locales.LANGUAGES[language]


def test_what_nobody_foresaw_gets_the_general_sentence() -> None:
    t = partial(locales.text, "en")
    assert sentence(t, errors.Overloaded("boom")) == locales.text("en", "error.EngineError")
