import string

import pytest

import locales
from bot.error_texts import sentence
from bot.menu import discover
from engine import errors
from engine.errors import EngineError
from engine.holds import Funds, Shortfall
from engine.money import Money
from locales import en, vi


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_no_language_has_a_key_that_english_lacks() -> None:
    assert set(vi.TEXTS) <= set(en.TEXTS)


@pytest.mark.parametrize("key", sorted(vi.TEXTS))
def test_a_translation_says_the_same_things(key: str) -> None:
    assert placeholders(vi.TEXTS[key]) == placeholders(en.TEXTS[key])


def test_every_command_has_its_words() -> None:
    assert all(f"command.{name}" in en.TEXTS for name in discover())


def every(kind: type[EngineError]) -> list[type[EngineError]]:
    return [kind, *(each for child in kind.__subclasses__() for each in every(child))]


EXAMPLES: dict[type[EngineError], EngineError] = {
    errors.UnknownModel: errors.UnknownModel("x"),
    errors.ModelNotInPlan: errors.ModelNotInPlan("x", "free"),
    errors.TooManyRequests: errors.TooManyRequests(6, 12.5),
    errors.InsufficientFunds: errors.InsufficientFunds(Shortfall(Money(1), Funds(0, Money(0)))),
    errors.TenantBanned: errors.TenantBanned(1),
    errors.SpendingCapReached: errors.SpendingCapReached("day"),
    errors.BadRequest: errors.BadRequest("model", "must be a string"),
    errors.Closing: errors.Closing(),
    errors.RequestRejected: errors.RequestRejected("openai", "no"),
    errors.NoProvider: errors.NoProvider(12.0),
    errors.HoldLost: errors.HoldLost("r:1"),
    errors.AnswerCut: errors.AnswerCut("openai", "cut"),
}


@pytest.mark.parametrize("kind", every(EngineError))
def test_every_engine_error_has_its_sentence(kind: type[EngineError]) -> None:
    example = EXAMPLES.get(kind) or (kind() if issubclass(kind, errors.ProviderError) else EngineError())
    words = sentence(lambda key, **values: locales.text("en", key, **values), example)
    assert words
    assert "{" not in words


def test_an_unknown_language_gets_english() -> None:
    assert locales.text("de-AT", "new.done") == en.TEXTS["new.done"]
