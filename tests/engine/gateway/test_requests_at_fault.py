"""Failures that a request may have caused itself change nothing for other requests."""

import pytest
from msgspec.structs import replace

from engine.chat import Image, Message, Role, Text, says
from engine.errors import (
    FirstTokenLate,
    KeyRefused,
    NoProvider,
    NoSuchModel,
    Overloaded,
    ProviderError,
    RateLimited,
    RequestRejected,
    Unreachable,
)
from engine.gateway.answer import Answer
from engine.gateway.rejections import fetches_pictures
from engine.holds import Grant
from engine.money import Money
from tests.engine.scripted import AnswerSetup, ScriptedHold, ScriptedProvider, Step, deltas, whole
from tests.engine.two_providers import A, TwoProviders

ADDRESS, DATA = Image("https://pictures.example/a.png"), Image("data:image/png;base64,aGk=")
OF_A_FETCH = (
    Overloaded("500", status=500),
    Overloaded("503", status=503),
    Overloaded("408", status=408),
    Overloaded("in a stream", status=None),
    NoSuchModel("404", status=404),
    KeyRefused("403", status=403),
    KeyRefused("401", status=401),
    RateLimited("429"),
    FirstTokenLate("nothing for 20 s"),
)
PAGE = Overloaded("<html>Attention Required!</html>", status=403)


async def asked(setup: AnswerSetup, picture: Image | None) -> str:
    """Ask one prompt; return the provider that answered, or the refusal."""
    question = setup.question()
    parts = (Text("see"),) if picture is None else (Text("see"), picture)
    messages = (says(Role.SYSTEM, "be brief"), Message(Role.USER, parts))
    question = replace(question, request=replace(question.request, messages=messages))
    hold = ScriptedHold(Grant(0, Money(10**9), 1000, (100,) * len(setup.providers)))
    answer = Answer(setup.market, question, hold)
    try:
        await answer.whole()
    except (NoProvider, RequestRejected) as error:
        return str(error)
    assert answer.offer is not None
    return answer.offer.provider


def failing(*scripts: list[Step]) -> AnswerSetup:
    return AnswerSetup(ScriptedProvider("a", *scripts), ScriptedProvider("b", whole("b says")))


def state(setup: AnswerSetup) -> tuple[object, ...]:
    health = setup.market.health
    found, status = health.state("a"), health.status(A)
    return found.state, found.failures, found.requests_per_minute, status


@pytest.mark.parametrize("error", OF_A_FETCH, ids=repr)
async def test_address_of_a_picture_that_fails_everywhere_rests_nobody(error: ProviderError) -> None:
    """One tenant could take every model that sees from all others, by an address that answers 404 or never."""
    setup = failing([error])
    untouched = state(setup)
    for _ in range(8):
        assert await asked(setup, ADDRESS) == "b"
        assert state(setup) == untouched
    assert set(setup.journal.outcomes()) == {("a", "bad_request")}
    assert {(line.status, line.detail) for line in setup.journal.records} == {(error.status, error.detail)}


@pytest.mark.parametrize("picture", [DATA, None])
@pytest.mark.parametrize("error", OF_A_FETCH, ids=repr)
async def test_same_failure_without_an_address_counts(error: ProviderError, picture: Image | None) -> None:
    setup = failing([error])
    for _ in range(8):
        assert await asked(setup, picture) == "b"
    status = setup.market.health.status(A)
    assert status.reason or status.failure_chance > 0.05


@pytest.mark.parametrize("script", [[Unreachable("refused")], [*deltas("one"), Overloaded("503", status=503)]])
async def test_connection_and_answers_cut_short_count_beside_an_address(script: list[Step]) -> None:
    setup = failing(script)
    for _ in range(8):
        assert await asked(setup, ADDRESS) == "b"
    status = setup.market.health.status(A)
    assert status.reason or status.failure_chance > 0.05


async def test_offer_that_recovers_answers_prompts_with_addresses_at_once() -> None:
    setup = failing([OF_A_FETCH[0]], [OF_A_FETCH[0]], whole("a says"))
    assert [await asked(setup, ADDRESS) for _ in range(3)] == ["b", "b", "a"]


async def test_address_that_every_provider_fails_at_is_a_bad_request() -> None:
    down = Overloaded("500", status=500)
    setup = AnswerSetup(ScriptedProvider("a", [down]), ScriptedProvider("b", [NoSuchModel("404", status=404)]))
    said = await asked(setup, ADDRESS)
    assert "no provider could answer with the picture at its address" in said


async def test_single_provider_that_fails_is_not_blamed_on_the_picture() -> None:
    setup = AnswerSetup(ScriptedProvider("a", [Overloaded("500", status=500)]))
    assert "no provider" in await asked(setup, ADDRESS)
    assert "picture" not in await asked(setup, ADDRESS)


async def test_firewall_that_dislikes_some_words_rests_nobody_while_others_are_answered() -> None:
    """Cloudflare blocks prompts that look like an attack, with a page of status 403."""
    blocked: list[Step] = [PAGE]
    setup = failing(whole("a says"), *(blocked for _ in range(8)), whole("a says"))
    assert [await asked(setup, None) for _ in range(10)] == ["a", *["b"] * 8, "a"]


async def test_firewall_that_blocks_everything_rests_the_offer() -> None:
    setup = failing(whole("a says"), [PAGE])
    assert await asked(setup, None) == "a"
    setup.market.clock.wait(61)  # type: ignore[attr-defined]
    for _ in range(8):
        assert await asked(setup, None) == "b"
    status = setup.market.health.status(A)
    assert status.reason or status.failure_chance > 0.05


def test_attempt_that_fetches_a_picture_is_late_only_when_its_patience_is_over() -> None:
    providers = TwoProviders()
    providers.succeeds(20, first_token_ms=500)
    for _ in range(4):
        providers.health.expect_fetch(providers.permit())
    providers.clock.wait(19)
    assert providers.health.status(A).failure_chance == 0


@pytest.mark.parametrize(
    ("parts", "fetches"), [((ADDRESS,), True), ((DATA,), False), ((DATA, ADDRESS), True), ((Text("https://a"),), False)]
)
def test_only_pictures_at_an_address_are_fetched(parts: tuple[Text | Image, ...], fetches: bool) -> None:
    request = replace(AnswerSetup().question().request, messages=(Message(Role.USER, parts),))
    assert fetches_pictures(request) is fetches
