"""The page of /settings where a person excludes providers, and its effect on answers."""

import asyncio
from dataclasses import replace

import pytest

from engine.catalog.free_tiers import FreeTierLimits, FreeTiers
from engine.privacy import UNKNOWN, DataPolicies, DataPolicy, Exclusions
from engine.providers.registry import brand, specs
from tests.bot.commands.conftest import ANN, BAO, OFFERS, ROOM, Chat


def asked(chat: Chat) -> list[str]:
    """Return the providers that were asked since the last call."""
    found = [name for name, script in chat.scripts.items() for _ in script.calls]
    for script in chat.scripts.values():
        script.calls.clear()
    return found


async def opened(chat: Chat, user: int = ANN) -> str:
    await chat.say("/settings", user)
    return await chat.press("Who sees my prompts", user)


async def test_page_tells_country_and_training_of_each_provider(chat: Chat) -> None:
    page = await opened(chat)
    assert "✓ DeepSeek (China): may train on prompts" in page
    assert "✓ Gemini (United States): does not train on prompts" in page
    assert "free tier" not in page
    free = FreeTiers({OFFERS[1]: FreeTierLimits(1, 1)})
    chat.change(market=replace(chat.services.market, catalog=replace(chat.services.market.catalog, free=free)))
    assert "Gemini (United States): does not train on prompts, but its free tier may" in await opened(chat)


@pytest.mark.parametrize(
    ("button", "stored", "left_out"),
    [
        ("DeepSeek", Exclusions(providers=frozenset({"deepseek"})), {"deepseek"}),
        ("China", Exclusions(countries=frozenset({"CN"})), {"deepseek"}),
        ("United States", Exclusions(countries=frozenset({"US"})), {"gemini", "openai"}),
        ("May train on prompts", Exclusions(training=True), {"deepseek"}),
    ],
)
async def test_what_is_left_out_is_not_asked_until_it_is_let_in_again(
    chat: Chat, button: str, stored: Exclusions, left_out: set[str]
) -> None:
    await opened(chat)
    page = await chat.press(f"✓ {button}")
    assert (await chat.state()).exclusions == stored
    for name in chat.scripts:
        assert (f"✗ {brand(name)}" in page) is (name in left_out)
    assert not left_out & set(asked_by(chat, await chat.say("hello")))
    settings = await chat.say("/settings")
    assert f"May not see my prompts: {', '.join(brand(name) for name in sorted(left_out))}" in settings
    await opened(chat)
    await chat.press(f"✗ {button}")
    assert not (await chat.state()).exclusions
    assert "exclusions" not in (await chat.state()).settings


def asked_by(chat: Chat, _: str) -> list[str]:
    found = asked(chat)
    assert found
    return found


async def test_provider_that_its_country_leaves_out_has_no_button_of_its_own(chat: Chat) -> None:
    await opened(chat)
    await chat.press("✓ China")
    labels = [label for label, _ in chat.buttons()]
    last = labels[len(labels) - labels[::-1].index("✓ May train on prompts") - 1 :]
    assert "✗ China" in last
    assert "✓ Gemini" in last
    assert not any("DeepSeek" in label for label in last)


async def test_other_people_are_answered_by_every_provider(chat: Chat) -> None:
    await opened(chat)
    await chat.press("✓ DeepSeek")
    await chat.say("hello", BAO)
    assert asked(chat) == ["deepseek"]


async def test_nothing_is_sent_or_charged_where_nobody_is_left(chat: Chat) -> None:
    await opened(chat)
    await chat.press("✓ China")
    page = await chat.press("✓ United States")
    assert "Every provider is left out" in page
    text = await chat.say("hello")
    assert "Your settings leave out every provider that could answer this: DeepSeek, Gemini, OpenAI." in text
    assert asked(chat) == []
    assert await chat.rows("SELECT * FROM holds") == []
    await chat.check_books()


async def test_outage_of_the_rest_names_the_providers_that_are_left_out(chat: Chat) -> None:
    await opened(chat)
    await chat.press("✓ DeepSeek")
    for name in ("gemini", "openai"):
        chat.services.market.health.drain(name)
    assert "Your settings leave out DeepSeek" in await chat.say("hello")
    assert asked(chat) == []


async def test_asker_in_a_group_is_told_without_the_providers(chat: Chat) -> None:
    await opened(chat)
    for label in ("✓ China", "✓ United States"):
        await chat.press(label)
    text = await chat.say("/ask hello", chat=ROOM)
    assert "Your settings leave out every provider" in text
    assert "DeepSeek" not in text


async def test_why_says_that_settings_left_out_an_offer(chat: Chat) -> None:
    await opened(chat)
    await chat.press("✓ DeepSeek")
    await chat.say("hello")
    assert "• deepseek/m: left out by your settings" in await chat.say("/why")


async def test_own_server_and_unknown_ones_are_named_as_such(chat: Chat) -> None:
    policies = DataPolicies(
        {"deepseek": DataPolicy(trains=False, is_own=True), "gemini": UNKNOWN, "openai": specs()["openrouter"].data}
    )
    chat.change(market=replace(chat.services.market, catalog=replace(chat.services.market.catalog, policies=policies)))
    page = await opened(chat)
    assert "DeepSeek (the operator's own server): does not train on prompts" in page
    assert "Gemini (country unknown): may train on prompts, as nothing else is known" in page
    assert "OpenAI (United States): passes prompts on to companies in many countries" in page


async def test_country_is_named_in_the_readers_language(chat: Chat) -> None:
    policies = DataPolicies({"deepseek": DataPolicy("DE", trains=False)})
    chat.change(market=replace(chat.services.market, catalog=replace(chat.services.market.catalog, policies=policies)))
    assert "DeepSeek (Germany)" in await opened(chat)
    chat.language = "vi"
    await chat.say("/settings")
    assert "DeepSeek (Đức)" in await chat.press("Ai thấy câu hỏi")


async def test_two_presses_at_once_are_both_kept(chat: Chat) -> None:
    await opened(chat)
    presses = [chat.button("✓ Gemini"), chat.button("✓ May train on prompts")]
    await asyncio.gather(*map(chat.press_data, presses))
    assert (await chat.state()).exclusions == Exclusions(providers=frozenset({"gemini"}), training=True)
