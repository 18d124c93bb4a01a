from datetime import datetime, timedelta

import pytest

from engine.attempt_record import ABANDONED, CLOSING, HEDGED, NO_OFFER, NO_PROVIDER, NO_SPEECH, STOPPED, UNREAD
from engine.chat import Usage
from engine.money import Money
from storage.database.connection import Connection
from storage.database.database import Database
from storage.reports import journal
from storage.reports.journal import Detour, Streak
from tests.storage.reports.attempts import NOON, attempt, failure, write

SECOND, MS, DAY = timedelta(seconds=1), timedelta(milliseconds=1), timedelta(days=1)
NEUTRAL = (
    ABANDONED,
    CLOSING,
    HEDGED,
    NO_SPEECH,
    UNREAD,
    "bad_request",
    "unable",
    "context_too_long",
    "too_big",
    "no_such_model",
)


def sequence(conn: Connection, *outcomes: str, provider: str = "deepseek") -> None:
    """One attempt a second from noon on, in this order."""
    for number, outcome in enumerate(outcomes):
        kept = outcome in {"answered", STOPPED}
        build = attempt if kept else failure
        at = NOON + number * SECOND
        write(conn, build(f"{provider}-{number}", outcome=outcome, provider=provider, started_at=at))


def streak(conn: Connection, since: datetime = NOON, most: int = 500) -> Streak:
    return journal.streak(conn, "deepseek", since, most)


async def test_without_attempts_there_is_no_streak(db: Database) -> None:
    assert await db.read(streak) == Streak("deepseek", 0, 0, None, "", None, None)


async def test_streak_counts_failures_back_to_the_latest_success(db: Database) -> None:
    def unit(conn: Connection) -> Streak:
        sequence(conn, "timeout", "answered", "overloaded", "rate_limited", "timeout")
        sequence(conn, "answered", "answered", provider="gemini")
        return streak(conn)

    found = await db.write(unit)
    assert (found.failures, found.rate_limited, found.last_outcome) == (2, 1, "timeout")
    assert (found.since, found.last_good_at) == (NOON + 2 * SECOND, NOON + SECOND)


async def test_stopped_answer_ends_a_streak(db: Database) -> None:
    def unit(conn: Connection) -> Streak:
        sequence(conn, "overloaded", STOPPED)
        return streak(conn)

    assert (await db.write(unit)).failures == 0


@pytest.mark.parametrize("outcome", NEUTRAL)
async def test_neutral_outcomes_are_no_failures(db: Database, outcome: str) -> None:
    def unit(conn: Connection) -> Streak:
        sequence(conn, "overloaded", outcome)
        return streak(conn)

    found = await db.write(unit)
    assert (found.failures, found.rate_limited, found.last_outcome) == (1, 0, "overloaded")


async def test_of_attempts_at_the_same_moment_the_last_written_is_the_latest(db: Database) -> None:
    def unit(conn: Connection) -> Streak:
        write(conn, failure("a"), attempt("b"), failure("c", "timeout"))
        return streak(conn)

    found = await db.write(unit)
    assert (found.failures, found.last_outcome) == (1, "timeout")


async def test_streak_has_the_latest_known_status(db: Database) -> None:
    def unit(conn: Connection) -> Streak:
        write(conn, failure("a", status=500, started_at=NOON), failure("b", status=502, started_at=NOON + SECOND))
        write(conn, failure("c", "timeout", status=None, started_at=NOON + 2 * SECOND))
        return streak(conn)

    found = await db.write(unit)
    assert (found.last_outcome, found.last_status) == ("timeout", 502)


async def test_streak_reads_a_span_and_a_number_of_attempts(db: Database) -> None:
    def unit(conn: Connection) -> None:
        sequence(conn, *["overloaded"] * 5)
        assert streak(conn, NOON + SECOND).failures == 4
        assert streak(conn, NOON + SECOND + MS).failures == 3
        assert streak(conn, most=2).failures == 2

    await db.write(unit)


@pytest.mark.parametrize(("outcome", "needs"), [("key_refused", True), ("balance_gone", True), ("overloaded", False)])
async def test_refused_key_and_empty_balance_need_an_operator(db: Database, outcome: str, needs: bool) -> None:
    def unit(conn: Connection) -> None:
        sequence(conn, outcome)
        assert streak(conn).needs_operator is needs
        assert journal.operator_failures(conn, "deepseek", NOON) == ([outcome] if needs else [])
        assert journal.operator_failures(conn, "deepseek", NOON + MS) == []
        assert journal.operator_failures(conn, "gemini", NOON) == []

    await db.write(unit)


async def test_providers_are_seen_from_their_attempts(db: Database) -> None:
    def unit(conn: Connection) -> None:
        sequence(conn, "answered", "overloaded")
        sequence(conn, "overloaded", provider="anthropic")
        assert journal.providers_seen(conn, NOON) == ["anthropic", "deepseek"]
        assert journal.providers_seen(conn, NOON + MS) == ["deepseek"]

    await db.write(unit)


async def test_share_is_of_kept_answers_in_a_half_open_span(db: Database) -> None:
    def unit(conn: Connection) -> None:
        sequence(conn, "answered", "overloaded", "answered", "answered")
        sequence(conn, "answered", provider="gemini")
        assert journal.share(conn, "deepseek", NOON, NOON + 3 * SECOND) == pytest.approx(2 / 3)
        assert journal.share(conn, "deepseek", NOON, NOON + 3 * SECOND + MS) == pytest.approx(3 / 4)
        assert journal.share(conn, "deepseek", NOON + MS, NOON + 3 * SECOND) == 1
        assert journal.share(conn, "gemini", NOON + MS, NOON + 3 * SECOND) == 0
        assert journal.share(conn, "gemini", NOON - DAY, NOON) == 0

    await db.write(unit)


async def test_window_counts_failures_that_are_not_consecutive(db: Database) -> None:
    def unit(conn: Connection) -> None:
        sequence(conn, "overloaded", "answered", "timeout", "answered", "rate_limited", ABANDONED)
        found = journal.window(conn, "deepseek", NOON)
        assert (found.attempts, found.streak.failures, found.streak.rate_limited) == (4, 2, 1)
        assert (found.streak.since, found.streak.last_outcome) == (NOON, "timeout")
        assert (found.streak.last_status, found.streak.last_good_at) == (503, NOON + 3 * SECOND)
        later = journal.window(conn, "deepseek", NOON + MS)
        assert (later.attempts, later.streak.failures) == (3, 1)
        assert journal.window(conn, "gemini", NOON).streak == Streak("gemini", 0, 0, None, "", None, None)

    await db.write(unit)


async def test_detour_is_the_answers_of_others_for_models_asked_here(db: Database) -> None:
    def unit(conn: Connection) -> Detour:
        write(conn, attempt("old", started_at=NOON - 2 * DAY, asked="smart", model="v3"))
        write(conn, attempt("here", started_at=NOON - DAY, asked="auto", model="v4"))
        for name, asked, at in (
            ("first", "auto", NOON),
            ("last", "auto", NOON + SECOND - MS),
            ("too-late", "auto", NOON + SECOND),
            ("too-early", "auto", NOON - MS),
            ("other-model", "smart", NOON),
        ):
            write(conn, attempt(name, provider="gemini", asked=asked, started_at=at))
        write(conn, attempt("own", started_at=NOON), failure("bad", provider="gemini", started_at=NOON))
        return journal.detour(conn, "deepseek", NOON, NOON + SECOND)

    found = await db.write(unit)
    assert (found.prompts, found.input_tokens, found.output_tokens, found.cost) == (2, 60, 40, Money(200))
    assert found.model == "deepseek-v4-flash", "the model of the latest kept answer"


async def test_detour_of_an_unknown_provider_is_empty(db: Database) -> None:
    def unit(conn: Connection) -> Detour:
        write(conn, attempt("r", provider="gemini"))
        return journal.detour(conn, "deepseek", NOON, NOON + SECOND)

    assert await db.write(unit) == Detour(0, 0, 0, Money(0), "")


async def test_requests_that_failed_everywhere_are_counted(db: Database) -> None:
    def unanswered(conn: Connection, name: str, outcome: str = "overloaded", **changes: object) -> None:
        write(conn, failure(name, outcome, **changes))
        end = {"provider": NO_OFFER, "model": NO_OFFER, "ordinal": 1, **changes}
        write(conn, failure(name, NO_PROVIDER, **end))

    def unit(conn: Connection) -> None:
        unanswered(conn, "b", started_at=NOON + SECOND)
        unanswered(conn, "a", started_at=NOON)
        unanswered(conn, "probe", tenant_id=None, started_at=NOON)
        write(conn, failure("retried", started_at=NOON))
        write(conn, failure("rescued", started_at=NOON), attempt("rescued", ordinal=2, started_at=NOON))
        write(conn, failure("rescued", NO_PROVIDER, provider=NO_OFFER, ordinal=1, started_at=NOON))
        assert journal.failed_everywhere(conn, NOON) == (2, NOON)
        assert journal.failed_everywhere(conn, NOON + MS) == (1, NOON + SECOND)
        assert journal.failed_everywhere(conn, NOON + DAY) == (0, NOON + DAY)

    await db.write(unit)


@pytest.mark.parametrize("outcome", [ABANDONED, CLOSING, "bad_request", "unable", "context_too_long", "too_big"])
async def test_requests_at_fault_themselves_did_not_fail_everywhere(db: Database, outcome: str) -> None:
    def unit(conn: Connection) -> None:
        write(conn, failure("r", outcome), failure("r", outcome, provider=NO_OFFER, ordinal=1))
        assert journal.failed_everywhere(conn, NOON)[0] == 0

    await db.write(unit)


async def test_latest_answer_is_a_kept_one(db: Database) -> None:
    def unit(conn: Connection) -> None:
        assert journal.last_answer_at(conn) is None
        sequence(conn, "answered", "answered", "overloaded")
        assert journal.last_answer_at(conn) == NOON + SECOND

    await db.write(unit)


async def test_attempts_of_an_offer_are_counted_from_a_moment_on(db: Database) -> None:
    def unit(conn: Connection) -> None:
        sequence(conn, "answered", "overloaded", ABANDONED)
        write(conn, attempt("other-model", model="v3"), attempt("other", provider="gemini", usage=Usage(1, 1)))
        assert journal.attempts_since(conn, "deepseek", "deepseek-v4-flash", NOON) == 3
        assert journal.attempts_since(conn, "deepseek", "deepseek-v4-flash", NOON + MS) == 2
        assert journal.attempts_since(conn, "mistral", "m", NOON) == 0

    await db.write(unit)
