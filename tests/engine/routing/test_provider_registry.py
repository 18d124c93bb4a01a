from engine.errors import KeyRefused, RateLimited, Unreachable
from engine.routing.health import Permit, State
from tests.engine.two_providers import A2, DOWN, A, B, TwoProviders


def test_every_provider_has_a_state(providers: TwoProviders) -> None:
    assert [(each.name, each.state) for each in providers.health.states()] == [
        ("a", State.CLOSED),
        ("b", State.CLOSED),
        ("none", State.CLOSED),
    ]


def test_each_offer_at_the_end_of_its_rest_is_due_for_a_probe(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5, A)
    providers.fails(DOWN, 5, B)
    providers.clock.wait(4.9)
    assert providers.health.due_probes() == ()
    providers.clock.wait(0.1)
    assert providers.health.due_probes() == (A, B)
    providers.permit(A)
    assert providers.health.due_probes() == (B,)


def test_resting_key_delays_the_probe(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5)
    providers.clock.wait(5)
    providers.fails(RateLimited(retry_after_seconds=60))
    assert providers.health.due_probes() == ()


def test_drained_provider_is_not_listed_as_locked_out(providers: TwoProviders) -> None:
    providers.fails(KeyRefused())
    assert providers.health.locked_out() == ("a",)
    providers.health.drain("a")
    assert providers.health.locked_out() == ()


def test_restoring_a_provider_ends_the_rests_of_all_its_offers(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5, A)
    providers.fails(DOWN, 5, A2)
    providers.health.restore("a")
    assert providers.state() is State.CLOSED
    providers.permit(A)
    providers.permit(A2)


def test_offer_is_due_for_a_probe_beside_one_that_answers(providers: TwoProviders) -> None:
    providers.fails(DOWN, 5, A)
    providers.succeeds(offer=A2)
    providers.clock.wait(5)
    assert providers.health.due_probes() == (A,)


def test_one_restored_key_does_not_restore_the_others() -> None:
    providers = TwoProviders(keys=2)
    providers.fails(KeyRefused(), 2)
    assert providers.health.locked_out() == ("a",)
    providers.health.restore("a", key=1)
    assert providers.health.refused_keys() == (("a", 0),)
    providers.health.restore("a")
    assert providers.health.refused_keys() == ()


def open_breaker(providers: TwoProviders) -> bool:
    return providers.health.providers["a"].breaker.is_open


def test_failures_of_attempts_that_began_before_a_restore_do_not_count(providers: TwoProviders) -> None:
    providers.fails(Unreachable("refused"), 5)
    assert open_breaker(providers)
    late = [providers.health.admit(A, early=True) for _ in range(5)]
    providers.clock.wait(1)
    providers.health.restore("a")
    assert not open_breaker(providers)
    for permit in late:
        assert isinstance(permit, Permit)
        providers.health.failed(permit, Unreachable("refused"))
    assert not open_breaker(providers)
    assert providers.health.providers["a"].breaker.failures == 0


def test_untried_offer_of_a_restored_provider_is_as_flaky_as_the_provider_was() -> None:
    chances = []
    for flaky in (False, True):
        providers = TwoProviders()
        for _ in range(30):
            providers.succeeds()
            if flaky:
                providers.fails(Unreachable("refused"), 1)
            providers.clock.wait(0.5)
        while not open_breaker(providers):
            providers.fails(Unreachable("refused"))
        providers.health.restore("a")
        chances.append(providers.health.status(A2).failure_chance)
    assert chances[0] < chances[1]
