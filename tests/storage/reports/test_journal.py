from datetime import datetime, timedelta

import pytest

from engine.attempt_record import ABANDONED, CLOSING, HEDGED, NO_OFFER, NO_PROVIDER, NO_SPEECH, STOPPED, UNREAD
from engine.chat import Usage
from engine.money import Money
from engine.tenancy import Plan
from storage.database.connection import Connection
from storage.database.database import Database
from storage.reports import journal
from storage.reports.journal import Detour, JournaledAttempt, OpenRequest, Unanswered
from storage.tenants import tenants
from tests.storage.reports.attempts import NOON, attempt, failure, write

FREE = Plan(name="free", usd_per_month=Money(0), tokens_per_month=1000, requests_per_minute=6, max_output_tokens=99)
SECOND, MS, DAY = timedelta(seconds=1), timedelta(milliseconds=1), timedelta(days=1)
FOREVER = NOON + 1000 * DAY
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
    """Journal one attempt per second from noon on, in this order."""
    for number, outcome in enumerate(outcomes):
        kept = outcome in {"answered", STOPPED}
        build = attempt if kept else failure
        at = NOON + number * SECOND
        write(conn, build(f"{provider}-{number}", outcome=outcome, provider=provider, started_at=at))


def hold(conn: Connection, request_id: str, state: str, at: datetime) -> None:
    owner = tenants.create(conn, request_id, FREE, now=at)
    conn.run(
        "INSERT INTO holds (request_id, epoch, tenant_id, key_month, state, wallet_nanousd, allowance_tokens, tokens,"
        " period_no, lease_id, created_at, charge_nanousd, charged_allowance_tokens)"
        " VALUES (:request, 1, :owner, 0, :state, 0, 0, 0, 1, 'L', :at, 0, 0)",
        request=request_id,
        owner=owner,
        state=state,
        at=round(at.timestamp() * 1000),
    )


def numbered(conn: Connection, *models: str, since: datetime = NOON, most: int = 500) -> list[str]:
    return [each.request_id for each in journal.attempts_of(conn, "deepseek", models, since, most)]


async def test_attempt_is_known_at_its_first_token_and_at_its_end(db: Database) -> None:
    def unit(conn: Connection) -> list[JournaledAttempt]:
        write(conn, attempt("whole", first_token_ms=300, duration_ms=900))
        write(conn, attempt("wordless", first_token_ms=None, duration_ms=900))
        write(conn, failure("cut", "cut", first_token_ms=300, duration_ms=900, status=None))
        write(conn, failure("late", "timeout", duration_ms=20_000))
        return journal.attempts_of(conn, "deepseek", (), NOON)

    whole, wordless, cut, late = await db.write(unit)
    assert [each.good_at for each in (whole, wordless, cut, late)] == [
        NOON + 300 * MS,
        NOON + 900 * MS,
        NOON + 300 * MS,
        None,
    ]
    assert [each.has_failed for each in (whole, wordless, cut, late)] == [False, False, True, True]
    assert (late.began_at, late.ended_at, late.status) == (NOON, NOON + 20 * SECOND, 503)
    assert (cut.model, cut.outcome, cut.status) == ("deepseek-v4-flash", "cut", None)


@pytest.mark.parametrize("outcome", [*NEUTRAL, "rate_limited", "key_refused", "balance_gone"])
async def test_other_outcomes_are_no_failures_of_the_offer(db: Database, outcome: str) -> None:
    def unit(conn: Connection) -> list[JournaledAttempt]:
        sequence(conn, outcome)
        return journal.attempts_of(conn, "deepseek", (), NOON)

    assert not [each for each in await db.write(unit) if each.has_failed or each.good_at]


async def test_newest_attempts_are_read_of_all_models_and_of_each_named_one(db: Database) -> None:
    def unit(conn: Connection) -> None:
        write(conn, failure("rare-1", model="v3"), failure("rare-2", model="v3", started_at=NOON + SECOND))
        sequence(conn, "answered", "overloaded", "answered", "answered")
        write(conn, failure("bill", UNREAD), failure("other", provider="gemini"))
        assert numbered(conn, most=2) == ["deepseek-2", "deepseek-3"]
        assert numbered(conn, "v3", most=2) == ["rare-1", "rare-2", "deepseek-2", "deepseek-3"]
        assert numbered(conn, "v3", most=2, since=NOON + MS) == ["rare-2", "deepseek-2", "deepseek-3"]
        assert numbered(conn, since=NOON + 3 * SECOND) == ["deepseek-3"]

    await db.write(unit)


async def test_failing_models_are_those_with_a_failure_or_a_refused_key(db: Database) -> None:
    def unit(conn: Connection) -> None:
        write(conn, attempt("a", model="good"), failure("b", "rate_limited", model="limited"))
        write(conn, failure("c", model="sick"), failure("d", "key_refused", model="locked", started_at=NOON + SECOND))
        write(conn, failure("e", model="elsewhere", provider="gemini"))
        assert journal.failing_models(conn, "deepseek", NOON) == ["locked", "sick"]
        assert journal.failing_models(conn, "deepseek", NOON + MS) == ["locked"]

    await db.write(unit)


async def test_open_requests_are_those_with_an_open_hold(db: Database) -> None:
    def unit(conn: Connection) -> None:
        for name, state, at in (("old", "open", NOON - MS), ("new", "open", NOON), ("done", "void", NOON)):
            hold(conn, name, state, at)
        assert journal.open_requests(conn, NOON) == [OpenRequest("new", NOON)]

    await db.write(unit)


@pytest.mark.parametrize(("outcome", "needs"), [("key_refused", True), ("balance_gone", True), ("overloaded", False)])
async def test_refused_key_and_empty_balance_need_an_operator(db: Database, outcome: str, needs: bool) -> None:
    def unit(conn: Connection) -> None:
        sequence(conn, outcome)
        assert journal.operator_failures(conn, "deepseek", NOON) == ([outcome] if needs else [])
        assert journal.operator_failures(conn, "deepseek", NOON + MS) == []
        assert journal.operator_failures(conn, "gemini", NOON) == []

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


async def test_detours_are_per_offer_that_answered_instead(db: Database) -> None:
    def unit(conn: Connection) -> None:
        write(conn, attempt("here", model="v4"), failure("wasted", "cut", model="v4", waste=Money(7)))
        write(conn, failure("earlier", "cut", model="v4", waste=Money(5), started_at=NOON - SECOND))
        write(conn, attempt("sibling", model="v3"), attempt("a", provider="gemini"), attempt("b", provider="gemini"))
        found = journal.detours(conn, "deepseek", "v4", NOON, NOON + SECOND)
        assert sorted((each.prompts, each.cost.nanousd, each.model) for each in found) == [
            (1, 100, "v4"),
            (2, 200, "v4"),
        ]
        assert journal.detour(conn, "deepseek", NOON, NOON + SECOND, "v4").prompts == 3
        assert journal.detour(conn, "deepseek", NOON, NOON + SECOND).prompts == 2
        assert journal.share(conn, "deepseek", NOON, NOON + SECOND, "v4") == pytest.approx(1 / 4)
        assert journal.waste(conn, "deepseek", "v4", NOON) == Money(7)

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
        tried = frozenset({"deepseek"})
        assert journal.failed_everywhere(conn, NOON, FOREVER) == [Unanswered("auto", 2, NOON, tried)]
        assert journal.failed_everywhere(conn, NOON + MS, FOREVER) == [Unanswered("auto", 1, NOON + SECOND, tried)]
        assert journal.failed_everywhere(conn, NOON + DAY, FOREVER) == []

    await db.write(unit)


@pytest.mark.parametrize("outcome", [ABANDONED, CLOSING, "bad_request", "unable", "context_too_long", "too_big"])
async def test_requests_at_fault_themselves_did_not_fail_everywhere(db: Database, outcome: str) -> None:
    def unit(conn: Connection) -> None:
        write(conn, failure("r", outcome), failure("r", outcome, provider=NO_OFFER, ordinal=1))
        assert journal.failed_everywhere(conn, NOON, FOREVER) == []

    await db.write(unit)


async def test_latest_answer_is_a_kept_one(db: Database) -> None:
    def unit(conn: Connection) -> None:
        assert journal.last_answer(conn, FOREVER) == (None, 0)
        sequence(conn, "answered", "answered", "overloaded")
        assert journal.last_answer(conn, FOREVER) == (NOON + SECOND, 2)
        assert journal.last_answer(conn, NOON + SECOND) == (NOON, 2)
        assert journal.last_answer(conn, NOON) == (None, 2)

    await db.write(unit)


async def test_attempts_of_an_offer_are_counted_from_a_moment_on(db: Database) -> None:
    def unit(conn: Connection) -> None:
        sequence(conn, "answered", "overloaded", ABANDONED)
        write(conn, attempt("other-model", model="v3"), attempt("other", provider="gemini", usage=Usage(1, 1)))
        assert journal.attempts_since(conn, "deepseek", "deepseek-v4-flash", NOON) == 3
        assert journal.attempts_since(conn, "deepseek", "deepseek-v4-flash", NOON + MS) == 2
        assert journal.attempts_since(conn, "mistral", "m", NOON) == 0

    await db.write(unit)
