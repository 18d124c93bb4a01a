"""The tree of errors: its drawing, each one's sentence, and the outcomes in the journal."""

import re
from collections.abc import Iterator

import pytest

from engine import errors
from engine.attempt_record import ABANDONED, ANSWERED, CLOSING, HEDGED, NO_PROVIDER, NO_SPEECH, STOPPED, UNREAD
from engine.errors import (
    AnswerCut,
    BadRequest,
    Closing,
    ContextTooLong,
    DailyAnswersUsed,
    EngineError,
    ExcludedBySettings,
    HoldLost,
    InsufficientFunds,
    ModelNotInKey,
    ModelNotInPlan,
    ModelNotPriced,
    ModelNotSold,
    NoProvider,
    NotForChat,
    NotForEmbeddings,
    Overloaded,
    ProviderError,
    RateLimited,
    RequestFault,
    RequestRejected,
    SpendingCapReached,
    TenantBanned,
    TooManyRequests,
    UnknownModel,
)
from engine.holds import Funds, Shortfall
from engine.money import ZERO, Money

_DRAWN = re.compile(r"^(?P<indent>[│ ]*)[├└]── (?P<name>\w+) +(?P<meaning>\S.*)$", re.MULTILINE)


def subclasses(cls: type[EngineError]) -> Iterator[type[EngineError]]:
    for each in cls.__subclasses__():
        yield each
        yield from subclasses(each)


def drawn() -> dict[str, str]:
    """Return each class in the drawing with its parent."""
    assert errors.__doc__ is not None
    parents, path = {}, ["EngineError"]
    for line in _DRAWN.finditer(errors.__doc__):
        depth = len(line["indent"]) // 4 + 1
        path[depth:] = [line["name"]]
        parents[line["name"]] = path[depth - 1]
    return parents


def test_drawing_shows_every_class_under_its_parent() -> None:
    classes = {cls.__name__: cls.__base__.__name__ for cls in subclasses(EngineError) if cls.__base__}
    misplaced = [f"{name} below {parent}" for name, parent in classes.items() if drawn().get(name) != parent]
    assert not misplaced, f"draw these in the tree at the top of engine/errors.py: {', '.join(misplaced)}"
    assert set(drawn()) == set(classes), "the tree at the top of engine/errors.py shows classes that don't exist"


def test_outcomes_of_provider_errors_are_unique_and_no_other_outcome() -> None:
    outcomes = [cls.outcome for cls in subclasses(ProviderError) if issubclass(cls, ProviderError)]
    others = [ANSWERED, STOPPED, ABANDONED, UNREAD, HEDGED, CLOSING, NO_SPEECH, NO_PROVIDER, ProviderError.outcome]
    assert len({*outcomes, *others}) == len(outcomes) + len(others)


def test_only_failures_of_the_offer_count_towards_its_breaker() -> None:
    counted = {cls.__name__ for cls in subclasses(ProviderError) if issubclass(cls, ProviderError) and cls.counts}
    assert counted == {
        "Overloaded",
        "Unreachable",
        "FirstTokenLate",
        "WentSilent",
        "StreamCut",
        "Garbled",
        "EmptyAnswer",
    }


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (UnknownModel("x"), "no model is called 'x'"),
        (ModelNotSold("x", "audio"), "'x' is not sold: its bill is not counted in text tokens but in audio"),
        (NotForChat("x"), "'x' makes embeddings and answers no prompt"),
        (NotForEmbeddings("x"), "'x' answers prompts and makes no embeddings"),
        (ModelNotPriced("x"), "no exact price of 'x' is known"),
        (ModelNotInPlan("smart", "free"), "the plan free does not include the model smart"),
        (ExcludedBySettings("auto", ("a", "b")), "the tenant's settings leave out every provider of 'auto': a, b"),
        (ModelNotInKey("smart", ("auto", "x")), "the API key does not include the model smart, only auto, x"),
        (TooManyRequests(6, 12.6), "over 6 requests a minute; free again in 13 s"),
        (DailyAnswersUsed(20, 90.4), "over 20 answers a day; free again in 90 s"),
        (
            InsufficientFunds(Shortfall(Money.usd("0.25"), Funds(0, ZERO))),
            "the least answer needs 0.25 USD more",
        ),
        (TenantBanned(7), "tenant 7 is banned"),
        (SpendingCapReached("day"), "this service has reached its spending cap per day"),
        (BadRequest("n", "too large"), "n: too large"),
        (Closing(), "stopping: no new work is taken"),
        (RequestRejected("a", "bad"), "a rejects the request: bad"),
        (NoProvider(3), "no provider can answer now (tried: none)"),
        (NoProvider(3, ("a: cut", "b: empty")), "no provider can answer now (tried: a: cut, b: empty)"),
        (AnswerCut("a", "cut"), "the answer of a broke off (cut) and could not be restarted"),
        (HoldLost("r:1"), "hold r:1 was resolved meanwhile"),
        (Overloaded(), "overloaded"),
        (Overloaded("503", status=503), "overloaded: 503"),
    ],
)
def test_error_builds_its_sentence_from_its_values(error: EngineError, sentence: str) -> None:
    assert str(error) == sentence


def test_facts_of_a_provider_error_are_kept() -> None:
    limited = RateLimited("slow", retry_after_seconds=3, per_day=True)
    assert (limited.status, limited.retry_after_seconds, limited.per_day, limited.detail) == (429, 3, True, "slow")
    assert (ContextTooLong(context_tokens=9).context_tokens, ContextTooLong().status) == (9, 400)
    assert (RequestFault(moderation=True).moderation, RequestFault().moderation) == (True, False)
    assert (Overloaded().status, Overloaded().detail) == (None, "")
