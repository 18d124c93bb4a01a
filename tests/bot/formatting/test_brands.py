"""Brand names of providers."""

from bot.formatting.brands import brand
from engine.providers.registry import specs


def test_known_provider_has_its_brand_and_any_other_its_own_name() -> None:
    assert (brand("deepseek"), brand("openai"), brand("mybox")) == ("DeepSeek", "OpenAI", "mybox")


def test_brand_of_every_bundled_provider_differs_in_letters_case_only() -> None:
    assert [name for name in specs() if brand(name).lower() != name] == []
