from datetime import UTC, datetime

import pytest

from engine.catalog.offers import Offer, Quote
from engine.chat import Image, Message, Role, Text, Usage, says
from tests.engine.catalog.catalogs import HELLO, asks, catalog


def test_estimated_usage_teaches_nothing() -> None:
    offer, request = Offer("deepseek", "deepseek-v4-flash"), asks(says(Role.USER, "word " * 100))
    of = catalog()
    of.learn(request, offer, Usage(10**4, 10**4, estimated=True), "word " * 50, 7)
    assert of.sizes.dump()["inputs"] == of.sizes.dump()["answers"] == []
    of.learn(request, offer, Usage(10**4, 10**4), "word " * 50, 7)
    assert of.sizes.dump()["inputs"]
    assert of.sizes.dump()["answers"]


def test_cut_or_pictured_answers_teach_only_the_other_size() -> None:
    offer, of = Offer("openai", "gpt-4o"), catalog()
    of.learn(asks(HELLO, max_output_tokens=10), offer, Usage(100, 10), "word " * 5, None, is_cut=True)
    assert of.sizes.dump()["answers"] == []
    picture = Message(Role.USER, (Text("word " * 100), Image("data:image/png;base64,AAAA")))
    of.learn(asks(picture), offer, Usage(1000, 10), "word " * 5, None)
    assert of.sizes.dump()["inputs"] == []
    assert of.sizes.dump()["answers"]


def test_answers_within_a_limit_of_the_client_teach_length_and_thinking() -> None:
    offer, of = Offer("openai", "gpt-4o"), catalog()
    for _ in range(20):
        usage = Usage(100, 3006, reasoning_tokens=3000)
        of.learn(asks(HELLO, max_output_tokens=4000), offer, usage, "word " * 5, 7)
    assert of.sizes.thinking_times(offer) > 30
    assert of.sizes.answer_tokens("auto", None) < 10


def test_each_of_several_choices_teaches_its_own_length() -> None:
    offer, one, two = Offer("openai", "gpt-4o"), catalog(), catalog()
    one.learn(asks(HELLO), offer, Usage(100, 30), "word " * 20, None)
    two.learn(asks(HELLO, n=2), offer, Usage(100, 60), "word " * 40, None)
    expected = one.sizes.answer_tokens("auto", None)
    assert two.sizes.answer_tokens("auto", None) == pytest.approx(expected, abs=1)  # each text is rounded up


def test_text_made_to_look_like_prose_is_held_by_its_bytes_the_next_time() -> None:
    """Few spaces hide that nearly each byte is a token: the hold covers less, and a charge never exceeds its hold."""
    of, request, at = catalog(), asks(says(Role.USER, "Zq7 " * 8000)), datetime(2026, 11, 30, tzinfo=UTC)

    def held(tenant_id: int) -> Quote:
        return of.quote(request, of.models["auto"], at, tenant_id)[0][0]

    assert held(7).input_ceiling_tokens < 20_000
    of.learn(request, held(7).offer, Usage(30_000, 10), "ok", 7)
    assert held(7).input_ceiling_tokens > 32_000
    assert held(8).input_ceiling_tokens < 20_000
