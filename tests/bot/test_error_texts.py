"""Each error of the engine has a sentence of its own in each language."""

import re
from collections.abc import Iterator
from functools import partial

import pytest

import locales
from bot.error_texts import PERSONAL, VALUES, key_of, refusal, sentence
from bot.menu import discover
from engine import errors
from engine.holds import Funds, Shortfall
from engine.money import Money
from tests.bot.contexts import GROUP, context_of, private_message
from tests.journeys.conftest import Journey

PARENTS = {errors.EngineError, errors.Refused, errors.ProviderError}
"""Classes that are never raised themselves, only their child classes."""

EXAMPLES: dict[type[errors.EngineError], errors.EngineError] = {
    errors.UnknownModel: errors.UnknownModel("x-9"),
    errors.ModelNotSold: errors.ModelNotSold("x-9", "searches"),
    errors.NotForChat: errors.NotForChat("x-9"),
    errors.NotForEmbeddings: errors.NotForEmbeddings("x-9"),
    errors.ModelNotPriced: errors.ModelNotPriced("x-9"),
    errors.ModelNotInPlan: errors.ModelNotInPlan("x-9", "starter"),
    errors.ModelNotInKey: errors.ModelNotInKey("x-9", ("auto",)),
    errors.ExcludedBySettings: errors.ExcludedBySettings("auto", ("deepseek", "mybox")),
    errors.TooManyRequests: errors.TooManyRequests(6, 12.5),
    errors.DailyAnswersUsed: errors.DailyAnswersUsed(20, 3601),
    errors.InsufficientFunds: errors.InsufficientFunds(Shortfall(Money(1), Funds(0, Money(0)))),
    errors.TenantBanned: errors.TenantBanned(1),
    errors.SpendingCapReached: errors.SpendingCapReached("day"),
    errors.BadRequest: errors.BadRequest("model", "must be a string"),
    errors.Closing: errors.Closing(),
    errors.RequestRejected: errors.RequestRejected("openai", "not that"),
    errors.NoProvider: errors.NoProvider(11.2),
    errors.HoldLost: errors.HoldLost("r:1"),
    errors.AnswerCut: errors.AnswerCut("openai", "cut"),
}
FACTS: dict[type[errors.EngineError], tuple[str, ...]] = {
    errors.UnknownModel: ("x-9",),
    errors.ModelNotSold: ("x-9",),
    errors.NotForChat: ("x-9",),
    errors.NotForEmbeddings: ("x-9",),
    errors.ModelNotPriced: ("x-9",),
    errors.ModelNotInPlan: ("x-9", "starter"),
    errors.ModelNotInKey: ("x-9",),
    errors.ExcludedBySettings: ("DeepSeek, mybox",),
    errors.TooManyRequests: ("6", "13"),
    errors.DailyAnswersUsed: ("20", "2"),
    errors.BadRequest: ("must be a string",),
    errors.RequestRejected: ("not that",),
    errors.NoProvider: ("12",),
}

FOR_ALL_TO_READ = {
    errors.UnknownModel,
    errors.ModelNotSold,
    errors.NotForChat,
    errors.NotForEmbeddings,
    errors.ModelNotPriced,
    errors.ModelNotInKey,
    errors.SpendingCapReached,
    errors.BadRequest,
    errors.Closing,
}
"""The refusals whose text may be shown in a group: it mentions no plan, balance or setting of a tenant."""


def family(kind: type[errors.EngineError]) -> Iterator[type[errors.EngineError]]:
    if kind.__module__ == errors.__name__:
        yield kind
    for child in kind.__subclasses__():
        yield from family(child)


RAISED = [kind for kind in family(errors.EngineError) if kind not in PARENTS]
REFUSALS = [kind for kind in RAISED if issubclass(kind, errors.Refused)]


def example(kind: type[errors.EngineError]) -> errors.EngineError:
    try:
        return EXAMPLES.get(kind) or kind()
    except TypeError as error:
        raise AssertionError(f"add an example of {kind.__name__} to EXAMPLES above: {error}") from error


@pytest.mark.parametrize("language", locales.LANGUAGES)
@pytest.mark.parametrize("kind", RAISED, ids=lambda kind: kind.__name__)
def test_each_error_class_has_its_own_sentence(kind: type[errors.EngineError], language: str) -> None:
    assert kind in VALUES, f"bot/error_texts.py has no row for {kind.__name__}"
    assert key_of(kind) in locales.LANGUAGES[language].texts, f"locales/en/messages.pot lacks {key_of(kind)}"
    text = sentence(partial(locales.text, language), example(kind))
    assert text == locales.text(
        language, key_of(kind), **{name: read(example(kind)) for name, read in VALUES[kind].items()}
    )
    assert "{" not in text
    for fact in FACTS.get(kind, ()):
        assert fact in text


@pytest.mark.parametrize("language", locales.LANGUAGES)
def test_no_two_errors_share_a_sentence(language: str) -> None:
    texts = [locales.text(language, key_of(kind)) for kind in VALUES]
    assert len(set(texts)) == len(texts)


def test_no_row_is_for_a_class_that_the_engine_lacks() -> None:
    assert set(VALUES) - {errors.EngineError, *RAISED} == set()


@pytest.mark.parametrize("kind", REFUSALS, ids=lambda kind: kind.__name__)
def test_each_refusal_is_personal_or_fit_for_a_group(kind: type[errors.EngineError]) -> None:
    assert (kind in PERSONAL) is not (kind in FOR_ALL_TO_READ), (
        f"{kind.__name__}: a row in PERSONAL of bot/error_texts.py where its sentence tells of a plan, balance or"
        " setting, else in FOR_ALL_TO_READ of this test"
    )


def test_unforeseen_error_gets_the_general_sentence() -> None:
    class Unforeseen(errors.EngineError):
        pass

    assert sentence(partial(locales.text, "en"), Unforeseen()) == locales.text("en", "error.EngineError")


def test_long_reason_of_a_provider_is_shortened() -> None:
    text = sentence(partial(locales.text, "en"), errors.RequestRejected("openai", "x" * 500))
    assert "x" * 200 in text
    assert "x" * 201 not in text


@pytest.mark.parametrize("language", locales.LANGUAGES)
@pytest.mark.parametrize("kind", PERSONAL, ids=lambda kind: kind.__name__)
async def test_group_learns_nothing_of_a_plan_or_balance(
    journey: Journey, kind: type[errors.EngineError], language: str
) -> None:
    message = private_message("x", chat=GROUP)
    message["from"]["language_code"] = language
    said, keyboard = refusal(context_of(journey, message), example(kind))
    assert said == locales.text(language, f"{key_of(kind)}_group")
    assert not re.search(r"\d|[$¢]|starter", said)
    assert keyboard is not None
    link = keyboard.inline_keyboard[0][0].url
    assert link == f"https://t.me/{journey.bot.bot.username}?start={PERSONAL[kind]}"
    assert PERSONAL[kind] in discover()


async def test_private_chat_reads_the_figures(journey: Journey) -> None:
    context = context_of(journey, private_message())
    assert refusal(context, example(errors.DailyAnswersUsed)) == (
        sentence(context.t, example(errors.DailyAnswersUsed)),
        None,
    )
    assert "plan tokens" in refusal(context, example(errors.InsufficientFunds))[0]
