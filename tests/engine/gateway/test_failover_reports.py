"""Ends of attempts are reported in full to health, catalog, journal and observers; a wrong form is repeated once."""

from dataclasses import replace

import pytest

from engine.attempt_record import AttemptRecord
from engine.catalog.free_tiers import FreeTierLimits, FreeTiers
from engine.catalog.offers import Offer
from engine.chat import Delta, Finish, Finished, Usage
from engine.errors import (
    AnswerCut,
    CapabilityMissing,
    ContextTooLong,
    NoProvider,
    Overloaded,
    RateLimited,
    StreamCut,
)
from engine.ports import AnswerSink, LimitHeaders, ProviderCall
from engine.providers.mending.json_check import WRONG_FORM
from engine.routing.plan import Route
from tests.engine.scripted import (
    END,
    TENANT,
    AnswerSetup,
    ScriptedProvider,
    Step,
    cost,
    deltas,
    whole,
)
from tests.engine.two_providers import DOWN

A, B, C = Offer("a", "m"), Offer("b", "m"), Offer("c", "m")
UNFIT: list[Step] = [*deltas("no json"), Usage(10, 3), CapabilityMissing(WRONG_FORM)]


class Slow(ScriptedProvider):
    """A provider whose calls take `seconds` of the hand clock; its rate-limit headers have `left` tokens."""

    setup: AnswerSetup
    seconds, left = 0.0, None

    async def stream(self, call: ProviderCall, sink: AnswerSink) -> None:
        self.setup.market.clock.wait(self.seconds)  # type: ignore[attr-defined]
        await super().stream(call, sink)

    def limits(self, key: int) -> LimitHeaders | None:
        return None if self.left is None else LimitHeaders(tokens_left=self.left + key, tokens_reset_seconds=60)


def slow(*scripts: list[Step], seconds: float = 0, left: int | None = None) -> AnswerSetup:
    """Return an answer setup with a Slow provider `a`, and with `b` that answers at once."""
    first = Slow("a", *scripts)
    first.setup = setup = AnswerSetup(first, ScriptedProvider("b", whole("b says")))
    first.seconds, first.left = seconds, left  # type: ignore[assignment]
    return setup


# --- an answer that does not fit its schema ----------------------------------------------------------


async def test_answer_of_the_wrong_form_is_asked_for_once_more() -> None:
    first, second = ScriptedProvider("a", UNFIT, whole("it fits")), ScriptedProvider("b", whole("b says"))
    setup = AnswerSetup(first, second)
    answer, hold = setup.answer()
    completion = await answer.whole()
    assert completion is not None
    assert completion.text == "it fits "
    assert setup.journal.outcomes() == [("a", "unable")]
    assert setup.journal.records[0].waste == cost(Usage(10, 3))
    assert hold.bill is not None
    assert hold.bill.attempt.ordinal == 2
    assert [call.output_tokens for call in first.calls] == [100, 100]
    assert not second.calls


async def test_second_answer_of_the_wrong_form_moves_the_prompt_on() -> None:
    first = ScriptedProvider("a", UNFIT)
    setup = AnswerSetup(first, ScriptedProvider("b", UNFIT, whole("b fits")))
    answer, _ = setup.answer()
    completion = await answer.whole()
    assert completion is not None
    assert completion.text == "b fits "
    assert setup.journal.outcomes() == [("a", "unable"), ("a", "unable"), ("b", "unable")]


async def test_offer_that_was_drained_meanwhile_is_not_asked_for_another_form() -> None:
    class Drained(ScriptedProvider):
        async def stream(self, call: ProviderCall, sink: AnswerSink) -> None:
            setup.market.health.drain("a")
            await super().stream(call, sink)

    first = Drained("a", UNFIT)
    setup = AnswerSetup(first, ScriptedProvider("b", whole("b says")))
    answer, _ = setup.answer()
    await answer.whole()
    assert len(first.calls) == 1


async def test_repeat_of_the_form_counts_the_expected_tokens_against_the_quota() -> None:
    first = Slow("a", UNFIT, whole("it fits"))
    setup = AnswerSetup(first)
    first.setup = setup
    setup.route = Route((setup.route.quotes[0]._replace(expected_tokens=300),), ())
    permit = setup.market.health.admit(A)
    setup.market.health.succeeded(permit, 1, LimitHeaders(tokens_left=1000, tokens_reset_seconds=60))  # type: ignore[arg-type]
    answer, _ = setup.answer()
    await answer.whole()
    assert setup.market.health.status(A).remaining_tokens == 400


# --- success --------------------------------------------------------------------------------------------


async def test_time_to_the_first_token_and_quotas_of_an_answer_reach_health() -> None:
    setup = slow(whole("words come"), seconds=2, left=5000)
    answer, _ = setup.answer()
    await answer.whole()
    status = setup.market.health.status(A)
    assert (status.first_token_seconds, status.remaining_tokens) == (2.0, 5000)


async def test_answer_teaches_its_length_to_its_own_tenant() -> None:
    setup = AnswerSetup(ScriptedProvider("a", whole("word " * 300, tokens=(10, 300))))
    catalog, other = setup.market.catalog, TENANT.id + 1
    for _ in range(20):
        catalog.learn(setup.question().request, A, Usage(10, 2), "short", other)
        answer, _ = setup.answer()
        await answer.whole()
    assert catalog.sizes.answer_tokens("auto", TENANT.id) > 2 * catalog.sizes.answer_tokens("auto", other)


async def test_answer_that_was_cut_at_its_limit_teaches_no_length() -> None:
    cut: list[Step] = [*deltas("one two"), Finished(Finish.LENGTH), Usage(10, 4000)]
    setup = AnswerSetup(ScriptedProvider("a", cut))
    before = setup.market.catalog.sizes.answer_tokens("auto", TENANT.id)
    answer, _ = setup.answer()
    await answer.whole()
    assert setup.market.catalog.sizes.answer_tokens("auto", TENANT.id) == before


@pytest.mark.parametrize("is_sent", [False, True])
async def test_reasoning_that_is_billed_and_not_sent_teaches_its_speed(is_sent: bool) -> None:
    script: list[Step] = [
        *([Delta(thinking="hm")] if is_sent else []),
        *deltas("done"),
        END,
        Usage(10, 900, reasoning_tokens=800),
    ]
    setup = slow(script, seconds=4)
    answer, _ = setup.answer()
    await answer.whole()
    speeds = setup.market.catalog.sizes.thinking_speeds
    assert speeds.tokens(A, 1) == (0 if is_sent else 200)
    assert speeds.tokens(B, 1) == 0


# --- failure --------------------------------------------------------------------------------------------


async def test_waste_of_a_failed_attempt_and_its_error_are_journaled() -> None:
    setup = AnswerSetup(
        ScriptedProvider("a", [*deltas("half"), Usage(10, 3), Overloaded("busy", status=529)]),
        ScriptedProvider("b", whole("b")),
    )
    answer, _ = setup.answer()
    await answer.whole()
    [line] = setup.journal.records
    assert line.waste == cost(Usage(10, 3))
    assert (line.status, line.detail) == (529, "busy")


async def test_slow_failure_is_not_repeated_however_much_the_next_costs() -> None:
    for seconds, answered_by in ((0.1, "a"), (9, "b")):
        setup = slow([DOWN], whole("at last"), seconds=seconds)
        dear = setup.route.quotes[1]._replace(expected_atto=100)
        setup.route = Route((setup.route.quotes[0]._replace(expected_atto=1), dear), ())
        answer, _ = setup.answer()
        completion = await answer.whole()
        assert completion is not None
        assert completion.provider == answered_by


async def test_cut_answer_is_repeated_however_long_it_took() -> None:
    setup = slow([*deltas("half"), StreamCut("x")], whole("at last"), seconds=9)
    dear = setup.route.quotes[1]._replace(expected_atto=100)
    setup.route = Route((setup.route.quotes[0]._replace(expected_atto=1), dear), ())
    answer, _ = setup.answer()
    completion = await answer.whole()
    assert completion is not None
    assert completion.provider == "a"


async def test_refusal_for_the_day_closes_the_free_tier_for_the_day() -> None:
    open_later = {}
    for per_day in (False, True):
        setup = AnswerSetup(ScriptedProvider("a", [RateLimited(per_day=per_day)]), ScriptedProvider("b", whole("b")))
        setup.market.catalog.free = FreeTiers({A: FreeTierLimits(5, 5)})
        setup.route = Route((setup.route.quotes[0]._replace(free=True), setup.route.quotes[1]), ())
        answer, _ = setup.answer()
        await answer.whole()
        now = setup.market.clock.now()
        open_later[per_day] = setup.market.catalog.free.is_open(A, now.replace(minute=(now.minute + 5) % 60))
    assert open_later == {False: True, True: False}


async def test_refusal_without_a_length_teaches_a_context_below_the_input() -> None:
    setup = AnswerSetup(ScriptedProvider("a", [ContextTooLong(is_certain=True)]), ScriptedProvider("b", whole("b")))
    setup.route = Route((setup.route.quotes[0]._replace(input_tokens=900), setup.route.quotes[1]), ())
    answer, _ = setup.answer()
    await answer.whole()
    assert setup.market.catalog.context_tokens(A, setup.market.clock.now()) == 899


async def test_answer_that_may_not_restart_names_the_provider_that_broke_it_off() -> None:
    setup = AnswerSetup(ScriptedProvider("a", [*deltas("half"), StreamCut("x")]), ScriptedProvider("b", whole("b")))
    answer, _ = setup.answer(can_restart=False)
    with pytest.raises(AnswerCut) as cut:
        await answer.whole()
    assert (cut.value.provider, cut.value.outcome) == ("a", StreamCut.outcome)


async def test_cut_answer_names_the_last_provider_that_was_asked() -> None:
    half: list[Step] = [*deltas("half"), StreamCut("x")]
    down: list[Step] = [DOWN]
    setup = AnswerSetup(*(ScriptedProvider(name, script) for name, script in (("a", half), ("b", down), ("c", half))))
    answer, _ = setup.answer()
    with pytest.raises(AnswerCut) as cut:
        await answer.whole()
    assert (cut.value.provider, cut.value.outcome) == (
        setup.journal.records[-1].provider,
        setup.journal.records[-1].outcome,
    )


async def test_unanswered_prompt_is_journaled_for_its_tenant_and_says_when_to_come_back() -> None:
    setup = AnswerSetup(ScriptedProvider("a", [DOWN]))
    answer, _ = setup.answer()
    with pytest.raises(NoProvider) as nobody:
        await answer.whole()
    assert nobody.value.retry_after_seconds > 0
    assert {line.tenant_id for line in setup.journal.records} == {TENANT.id}


async def test_observers_see_each_journaled_attempt() -> None:
    seen: list[AttemptRecord] = []

    class Observer:
        def attempt_ended(self, attempt: AttemptRecord, finishes: tuple[str, ...], operation: str) -> None:  # noqa: ARG002
            seen.append(attempt)

    setup = AnswerSetup(ScriptedProvider("a", [DOWN]), ScriptedProvider("b", whole("b")))
    setup.market = replace(setup.market, observers=(Observer(),))
    answer, _ = setup.answer()
    await answer.whole()
    assert seen[:1] == setup.journal.records[:1]
