from datetime import UTC, datetime

import pytest

import locales
from bot.chat.footer import cents, footer, notes, paid
from engine.attempt_record import ABANDONED, ANSWERED, AttemptRecord, Receipt
from engine.chat import Choice, Completion, Finish, Usage
from engine.money import Money
from engine.tenancy import Charge

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def t(key: str, **values: object) -> str:
    return locales.text("en", key, **values)


def attempt(provider: str, outcome: str = ANSWERED, *, first_token_ms: int | None = 200) -> AttemptRecord:
    return AttemptRecord(
        request_id="r",
        ordinal=1,
        tenant_id=1,
        key_id=None,
        asked="auto",
        provider=provider,
        model="m",
        outcome=outcome,
        started_at=NOON,
        duration_ms=600,
        first_token_ms=first_token_ms,
        kept=outcome == ANSWERED,
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
def test_cents_are_written_as_people_do(nano: int, shown: str) -> None:
    assert cents(Money(nano)) == shown


def test_what_was_paid_names_both_purses() -> None:
    assert paid(t, Charge(Money(400_000), 1200)) == "1,200 tokens + 0.04 ¢"
    assert paid(t, Charge(Money(0), 1200)) == "1,200 tokens"
    assert paid(t, Charge(Money(0), 0)) == "0 ¢"


def test_the_footer_is_one_line() -> None:
    line = footer(t, completion(), Charge(Money(400_000)), receipt(attempt("deepseek"), attempt("gemini")))
    assert line == "0.04 ¢ · gemini · 1.2 s"


def test_a_plain_answer_has_no_notes() -> None:
    assert notes(t, completion(), Charge(), receipt(attempt("gemini"))) == []


def test_a_provider_that_broke_off_is_named() -> None:
    found = receipt(attempt("deepseek", "cut"), attempt("gemini"))
    assert notes(t, completion(), Charge(), found) == ["deepseek broke off; gemini answered anew."]


@pytest.mark.parametrize(
    "unseen", [attempt("deepseek", "unreachable", first_token_ms=None), attempt("deepseek", ABANDONED)]
)
def test_whose_words_were_never_shown_is_not(unseen: AttemptRecord) -> None:
    assert notes(t, completion(), Charge(), receipt(unseen, attempt("gemini"))) == []


def test_a_stopped_answer_says_what_it_cost() -> None:
    (note,) = notes(t, completion(None, stopped=True), Charge(allowance_tokens=15), receipt(attempt("gemini")))
    assert note == "Stopped. For what was delivered: 15 tokens."


def test_a_filter_and_a_limit_are_told_apart() -> None:
    (filtered,) = notes(t, completion(Finish.REFUSED), Charge(), receipt(attempt("gemini")))
    (cut,) = notes(t, completion(Finish.LENGTH), Charge(), receipt(attempt("gemini")))
    assert "filter" in filtered
    assert "limit" in cut


def test_a_refusal_without_words_needs_no_note() -> None:
    assert notes(t, completion(Finish.REFUSED, ""), Charge(), receipt(attempt("gemini"))) == []
