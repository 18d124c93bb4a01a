"""Templates of providers' messages: a message fits as a whole or not at all."""

import pytest

from engine.providers import message_templates as templates
from tests.processor_time import units_of

NO_CREDIT = (
    "Your credit balance is too low to access the Claude API. "
    "Please go to Plans & Billing to upgrade or purchase credits."
)
GROQ_WAIT = (
    "Rate limit reached for model `llama-3` in organization `org_1` service tier `on_demand` on tokens per minute "
    "(TPM): Limit 6000, Used 5900, Requested 700. Please try again in 7m12.5s. Need more tokens? Upgrade to "
    "Dev Tier today at https://console.groq.com/settings/billing"
)


def test_other_readings_are_of_the_whole_message_too() -> None:
    assert templates.wait_text(GROQ_WAIT) == "7m12.5s"
    assert templates.wait_text(f"'{GROQ_WAIT}'") is None
    assert templates.is_balance_text(NO_CREDIT)
    assert not templates.is_balance_text(f"{NO_CREDIT} x")
    thinking = "Thinking level MINIMAL is not supported for this model."
    assert templates.is_thinking_text(thinking)
    assert not templates.is_thinking_text(f"'{thinking}'")
    assert templates.is_no_endpoints_text("No endpoints found that support image input")
    assert not templates.is_no_endpoints_text("No endpoints found for a/model.")
    afford = "Prompt tokens limit exceeded: 230799 > 91442."
    assert templates.affordable_tokens(afford) == 91442
    assert templates.affordable_tokens(f"'{afford}'") is None
    large = "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 40000."
    assert templates.is_too_large_text(large)
    assert not templates.is_too_large_text(f"x {large}")
    ability = "registry.ollama.ai/library/gemma:2b does not support tools"
    assert templates.is_ability_text(ability)
    assert not templates.is_ability_text(f"'{ability}'")
    safety = "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO"
    assert templates.is_safety_text(safety)
    assert not templates.is_safety_text(f"tool: {safety}")


def test_message_longer_than_every_template_is_not_read() -> None:
    padded = "Request too large for gpt-4o " + "x" * 600
    assert not templates.is_too_large_text(padded)


@pytest.mark.parametrize("piece", ["9", "9 in a ", "1s", "1.1s", "a ", "x, ", "`", "tokens "])
def test_hostile_message_takes_no_time(piece: str) -> None:
    def read() -> None:
        for start in ("", "Please try again in ", "Your account "):
            message = (start + piece * 600)[: templates.MOST_MESSAGE_CHARS - 1] + "!"
            assert templates.wait_text(message) is None
            assert not templates.is_too_large_text(message)

    assert units_of(read, 50) < 50  # a hundredth of one in 2026
