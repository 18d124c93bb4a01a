"""Tests of a learned limit that come sooner, because the next offer is dear."""

from tests.engine.routing.learned_limits import learned, refuse, serve


def test_test_where_the_next_offer_is_dear_is_due_after_25_accepted_requests() -> None:
    limit = learned(20)
    refuse(limit, 21)
    for number in range(24):
        serve(limit, 22 + number)
    assert not limit.may_be_tested(90)
    serve(limit, 90)
    assert limit.may_be_tested(91)


def test_limit_that_was_just_learned_is_not_tested_for_ten_seconds() -> None:
    limit = learned(20)
    assert not limit.may_be_tested(29)
    assert limit.may_be_tested(31)
