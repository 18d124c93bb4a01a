import pytest

from engine.catalog.offers import LOCAL, MissingCapability, Offer, Quote, missing_capabilities, output_limit
from engine.money import Money


@pytest.mark.parametrize(
    ("name", "offer"),
    [("groq/openai/gpt-oss-20b", Offer("groq", "openai/gpt-oss-20b")), ("openai", Offer("openai", ""))],
)
def test_model_names_may_contain_slashes(name: str, offer: Offer) -> None:
    assert Offer.named(name) == offer


def test_name_of_an_offer_reads_back() -> None:
    offer = Offer("openrouter", "deepseek/deepseek-v4-flash")
    assert Offer.named(offer.name) == offer


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("openai/gpt-4o", set()),
        ("openai/gpt-3.5-turbo", {MissingCapability.IMAGES}),
        ("deepseek/deepseek-v4-flash", {MissingCapability.CHOICES, MissingCapability.IMAGES}),
        ("mybox/deepseek-r1", {MissingCapability.IMAGES}),
        ("groq/qwen3", {MissingCapability.CHOICES}),
        ("gemini/gemma-3-27b-it", {MissingCapability.TOOLS, MissingCapability.JSON}),
    ],
)
def test_missing_capabilities_are_found_by_name(name: str, missing: set[MissingCapability]) -> None:
    assert missing_capabilities(Offer.named(name)) == missing


@pytest.mark.parametrize(("name", "limit"), [("openai/gpt-4o-mini", 16_384), ("mybox/llama", None)])
def test_output_limit_is_found_by_name(name: str, limit: int | None) -> None:
    assert output_limit(Offer.named(name)) == limit


def test_quote_knows_the_tokens_left_for_an_answer() -> None:
    quote = Quote(Offer("a", "m"), LOCAL, 1_500_000_000, context_tokens=100, input_tokens=40)
    assert quote.room_tokens == 60
    assert quote._replace(input_tokens=101).room_tokens == 0
    assert quote._replace(context_tokens=None).room_tokens is None
    assert quote.expected == Money(2)
