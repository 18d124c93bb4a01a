"""The page of /tenant with the providers that may not see a tenant's prompts."""

from engine.privacy import Exclusions
from storage.operations import operator_log
from tests.bot.commands.conftest import ANN, OLGA, Chat


async def test_operator_leaves_out_providers_for_a_tenant(chat: Chat) -> None:
    await chat.say("/start")
    await chat.say("/tenant 1", OLGA)
    page = await chat.press("Who sees prompts", OLGA)
    assert "Providers that may see Ann's prompts" in page
    assert "✓ DeepSeek (China)" in page
    assert "✗ DeepSeek" in await chat.press("✓ DeepSeek", OLGA)
    await chat.press("✓ United States", OLGA)
    assert "Every provider is left out" in await chat.press("✓ May train on prompts", OLGA)
    found = Exclusions(frozenset({"deepseek"}), frozenset({"US"}), training=True)
    assert (await chat.state()).exclusions == found
    log = await chat.read(lambda conn: operator_log.latest(conn, 10))
    assert [(each.action, each.tenant_id, each.detail) for each in log] == [
        ("exclusions", 1, "training"),
        ("exclusions", 1, "US"),
        ("exclusions", 1, "deepseek"),
    ]
    assert "tenant 1" in await chat.press("Back", OLGA)


async def test_page_of_a_tenant_is_the_operators_own(chat: Chat) -> None:
    await chat.say("/start")
    await chat.press_data(f"tenant:who_provider:1:deepseek:{ANN}")
    await chat.press_data(f"tenant:who:99:{OLGA}", OLGA)
    assert not (await chat.state()).exclusions
