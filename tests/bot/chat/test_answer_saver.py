from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

import pytest

import locales
from bot.chat.answer_saver import footer, no_text_key, notes, seconds_of
from engine.attempt_record import ABANDONED, ANSWERED, AttemptRecord, Receipt
from engine.chat import Finish, Usage
from engine.completion import Choice, Completion
from engine.money import Money
from tests import builders

PRICE = Money(400_000)
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def t(key: str, **values: object) -> str:
    return locales.text("en", key, **values)


def attempt(
    provider: str, outcome: str = ANSWERED, *, first_token_ms: int | None = 200, duration_ms: int = 600
) -> AttemptRecord:
    return builders.attempt(
        request_id="r",
        provider=provider,
        outcome=outcome,
        started_at=NOON,
        duration_ms=duration_ms,
        first_token_ms=first_token_ms,
    )


def receipt(*attempts: AttemptRecord) -> Receipt:
    return Receipt("r", "auto", NOON, (), (), attempts)


def completion(finish: Finish | None = Finish.STOP, text: str = "Well.", *, stopped: bool = False) -> Completion:
    return Completion("gemini", "m", (Choice(text, finish=finish),), Usage(10, 5), stopped=stopped)


def test_plain_answer_has_no_notes() -> None:
    assert notes(t, completion(), PRICE, receipt(attempt("gemini"))) == []


def test_provider_whose_stream_was_cut_is_named() -> None:
    found = receipt(attempt("deepseek", "cut"), attempt("gemini"))
    assert notes(t, completion(), PRICE, found) == ["DeepSeek broke off; Gemini started the answer again."]


@pytest.mark.parametrize(
    "unseen", [attempt("deepseek", "unreachable", first_token_ms=None), attempt("deepseek", ABANDONED)]
)
def test_provider_whose_content_was_not_shown_is_not_named(unseen: AttemptRecord) -> None:
    assert notes(t, completion(), PRICE, receipt(unseen, attempt("gemini"))) == []


def test_stopped_answer_names_its_charge() -> None:
    (note,) = notes(t, completion(None, stopped=True), PRICE, receipt(attempt("gemini")))
    assert note == "Stopped. Charged for the part delivered: 0.04 ¢."


def test_filter_and_limit_have_different_notes() -> None:
    (filtered,) = notes(t, completion(Finish.REFUSED), PRICE, receipt(attempt("gemini")))
    (cut,) = notes(t, completion(Finish.LENGTH), PRICE, receipt(attempt("gemini")))
    assert "filter" in filtered
    assert "limit" in cut


def test_refusal_without_text_has_no_note() -> None:
    assert notes(t, completion(Finish.REFUSED, ""), PRICE, receipt(attempt("gemini"))) == []


@pytest.mark.parametrize(
    ("finish", "key"),
    [
        (Finish.LENGTH, "chat.all_thinking"),
        (Finish.STOP, "chat.no_text"),
        (Finish.REFUSED, "chat.refused"),
        (None, "chat.refused"),
    ],
)
def test_answer_without_text_is_sent_as_a_sentence_that_says_why(finish: Finish | None, key: str) -> None:
    assert no_text_key(completion(finish, "")) == key


def test_answer_without_text_that_was_cut_at_the_limit_has_no_second_note() -> None:
    assert notes(t, completion(Finish.LENGTH, ""), PRICE, receipt(attempt("gemini"))) == []


def test_group_is_not_shown_the_price_of_a_stopped_answer() -> None:
    for text in ("Well.", ""):
        (note,) = notes(t, completion(None, text, stopped=True), None, receipt(attempt("gemini")))
        assert note.endswith("is charged.")
        assert "¢" not in note


def lasting(*durations_ms: int) -> Receipt:
    return receipt(*(attempt("deepseek", duration_ms=each) for each in durations_ms))


@pytest.mark.parametrize(
    ("language", "nanousd", "line"),
    [
        ("en", 400_000, "0.04 ¢ · DeepSeek · 1.2 s"),
        ("vi", 400_000, "0,04 ¢ · DeepSeek · 1,2 giây"),
        ("en", 12_500_000_000, "$12.50 · DeepSeek · 1.2 s"),
        ("vi", 1_250_000_000, "1,25 $ · DeepSeek · 1,2 giây"),
        ("en", 1, "0.0000001 ¢ · DeepSeek · 1.2 s"),
        ("en", 0, "$0.00 · DeepSeek · 1.2 s"),
    ],
)
def test_footer_names_price_provider_and_duration(language: str, nanousd: int, line: str) -> None:
    t = partial(locales.text, language)
    assert footer(t, Money(nanousd), "deepseek", lasting(600, 600)) == line


def test_footer_of_a_group_has_no_price() -> None:
    assert footer(partial(locales.text, "en"), None, "mybox", lasting(1249)) == "mybox · 1.2 s"


def test_long_answers_have_the_readers_separators() -> None:
    assert seconds_of(lasting(1_234_560)) == Decimal("1234.6")
    assert footer(partial(locales.text, "vi"), None, "x", lasting(1_234_560)) == "x · 1.234,6 giây"
