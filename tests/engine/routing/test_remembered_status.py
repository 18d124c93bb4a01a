"""The status of an offer is remembered until something about its provider is reported."""

import random

import pytest

from engine.errors import KeyRefused, NoSuchModel, RateLimited, Unreachable
from engine.ports import LimitHeaders
from engine.routing.health import Permit
from tests.engine.two_providers import A2, DOWN, A, B, TwoProviders


@pytest.mark.parametrize("seed", range(20))
def test_remembered_status_is_the_one_that_a_fresh_look_finds(seed: int) -> None:
    chance, providers, permits = random.Random(seed), TwoProviders(), []
    health, errors = providers.health, (DOWN, Unreachable(), NoSuchModel(), KeyRefused(), RateLimited())
    for _ in range(60):
        offer, event = chance.choice((A, A2, B)), chance.choice("aaafsstdrwq")
        if event == "a" and isinstance(permit := health.admit(offer), Permit):
            permits.append(permit)
        elif event in "fstq" and permits:
            permit = permits.pop(chance.randrange(len(permits)))
            if event == "f":
                health.failed(permit, chance.choice(errors))
            elif event == "s":
                health.succeeded(
                    permit, 300, chance.choice((None, LimitHeaders(tokens_left=5, tokens_reset_seconds=9)))
                )
            elif event == "t":
                health.first_token(permit)
            else:
                health.abandoned(permit)
        elif event == "d":
            health.drain(offer.provider)
        elif event == "r":
            health.resume(offer.provider)
        providers.clock.wait(chance.choice((0, 0.1, 1, 7)))
        seen = [health.status(each) for each in (A, A2, B)]
        for provider in health._providers.values():
            provider.calm.clear()
        assert seen == [health.status(each) for each in (A, A2, B)]
