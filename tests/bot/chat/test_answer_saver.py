from datetime import UTC, datetime

import pytest

import locales
from bot.chat.answer_saver import cents, footer, no_text_key, notes, paid
from engine.attempt_record import ABANDONED, ANSWERED, AttemptRecord, Receipt
from engine.chat import Choice, Completion, Finish, Usage
from engine.money import Money
from engine.tenancy import Charge
from tests import builders

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def t(key: str, **values: object) -> str:
    return locales.text("en", key, **values)


def attempt(provider: str, outcome: str = ANSWERED, *, first_token_ms: int | None = 200) -> AttemptRecord:
    return builders.attempt(
        request_id="r",
        provider=provider,
        outcome=outcome,
        started_at=NOON,
        duration_ms=600,
        first_token_ms=first_token_ms,
    )


def receipt(*attempts: AttemptRecord) -> Receipt:
    return Receipt("r", "auto", NOON, (), (), attempts)


def completion(finish: Finish | None = Finish.STOP, text: str = "Well.", *, stopped: bool = False) -> Completion:
    return Completion("gemini", "m", (Choice(text, finish=finish),), Usage(10, 5), stopped=stopped)


@pytest.mark.parametrize(
    ("nano", "shown"),
    [
        (0, "0 ¢"),
        (1, "0.0000001 ¢"),
        (412_345, "0.0412 ¢"),
        (10_000_000, "1 ¢"),
        (12_400_000_000, "1,240 ¢"),
        (100_000_000_000, "10,000 ¢"),
    ],
)
def test_cents_have_three_significant_digits_below_a_hundred(nano: int, shown: str) -> None:
    assert cents(Money(nano)) == shown


def test_allowance_and_wallet_are_both_named() -> None:
    assert paid(t, Charge(Money(400_000), 1200)) == "1,200 tokens + 0.04 ¢"
    assert paid(t, Charge(Money(0), 1200)) == "1,200 tokens"
    assert paid(t, Charge(Money(0), 0)) == "0 ¢"


def test_footer_names_charge_provider_and_duration() -> None:
    line = footer(t, completion(), Charge(Money(400_000)), receipt(attempt("deepseek"), attempt("gemini")))
    assert line == "0.04 ¢ · gemini · 1.2 s"


def test_plain_answer_has_no_notes() -> None:
    assert notes(t, completion(), Charge(), receipt(attempt("gemini"))) == []


def test_provider_whose_stream_was_cut_is_named() -> None:
    found = receipt(attempt("deepseek", "cut"), attempt("gemini"))
    assert notes(t, completion(), Charge(), found) == ["deepseek broke off; gemini started the answer again."]


@pytest.mark.parametrize(
    "unseen", [attempt("deepseek", "unreachable", first_token_ms=None), attempt("deepseek", ABANDONED)]
)
def test_provider_whose_content_was_not_shown_is_not_named(unseen: AttemptRecord) -> None:
    assert notes(t, completion(), Charge(), receipt(unseen, attempt("gemini"))) == []


def test_stopped_answer_names_its_charge() -> None:
    (note,) = notes(t, completion(None, stopped=True), Charge(allowance_tokens=15), receipt(attempt("gemini")))
    assert note == "Stopped. Charged for the part delivered: 15 tokens."


def test_filter_and_limit_have_different_notes() -> None:
    (filtered,) = notes(t, completion(Finish.REFUSED), Charge(), receipt(attempt("gemini")))
    (cut,) = notes(t, completion(Finish.LENGTH), Charge(), receipt(attempt("gemini")))
    assert "filter" in filtered
    assert "limit" in cut


def test_refusal_without_text_has_no_note() -> None:
    assert notes(t, completion(Finish.REFUSED, ""), Charge(), receipt(attempt("gemini"))) == []


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
    assert notes(t, completion(Finish.LENGTH, ""), Charge(), receipt(attempt("gemini"))) == []
