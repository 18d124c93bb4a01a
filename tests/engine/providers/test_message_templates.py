"""Templates of providers' messages: each fits as a whole, or not at all."""

import pytest

from engine.providers import message_templates as templates
from tests.processor_time import units_of

CONTEXT = (
    (
        "This model's maximum context length is 8,192 tokens. However, you requested 9000 tokens. "
        "Please reduce the length of the messages or completion."
    ),
    (
        "This model's maximum context length is 8192 tokens. However, you requested 9001 tokens (1 in the messages, "
        "9000 in the completion). Please reduce the length of the messages or completion."
    ),
    (
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens. "
        "Please reduce the length of the messages."
    ),
    (
        "This endpoint's maximum context length is 8192 tokens. However, you requested about 9000 tokens (8000 of text "
        'input, 1000 in the output). Please reduce the length of either one, or use the "middle-out" transform '
        "to compress your prompt automatically."
    ),
    (
        "'max_tokens' or 'max_completion_tokens' is too large: 9000. This model's maximum context length is 8192 "
        "tokens and your request has 12 input tokens (9000 > 8192 - 12)."
    ),
    (
        "You passed 9000 input tokens and requested 100 output tokens. However, the model's context length is only "
        "8192 tokens, resulting in a maximum input length of 8092 tokens. Please reduce the length of the input prompt."
    ),
    "prompt is too long: 9000 tokens > 8192 maximum",
    (
        "input length and `max_tokens` exceed context limit: 8000 + 1000 > 8192, decrease input length or `max_tokens` "
        "and try again"
    ),
    "The input token count (9000) exceeds the maximum number of tokens allowed (8192).",
    "The input token count exceeds the maximum number of tokens allowed 8192.",
    "Input token count is 9000 but model only supports up to 8192.",
    "Prompt contains 9000 tokens and 0 draft tokens, too large for model with 8192 maximum context length",
    "the request exceeds the available context size (8192 tokens), try increasing it",
)
NO_CREDIT = (
    "Your credit balance is too low to access the Claude API. "
    "Please go to Plans & Billing to upgrade or purchase credits."
)
GROQ_WAIT = (
    "Rate limit reached for model `llama-3` in organization `org_1` service tier `on_demand` on tokens per minute "
    "(TPM): Limit 6000, Used 5900, Requested 700. Please try again in 7m12.5s. Need more tokens? Upgrade to "
    "Dev Tier today at https://console.groq.com/settings/billing"
)


@pytest.mark.parametrize("message", CONTEXT)
def test_context_is_read_from_the_whole_message_only(message: str) -> None:
    found = templates.context_text(f" {message}\n")
    assert found is not None
    assert found.tokens == 8192
    for quoting in (f"Invalid value: '{message}'", f"{message} x", f"'{message}'", f"{message}\n{message}"):
        assert templates.context_text(quoting) is None


def test_context_without_a_number_is_read() -> None:
    found = templates.context_text("Please reduce the length of the messages or completion.")
    assert found is not None
    assert found.tokens is None


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


def test_message_longer_than_every_template_is_not_read() -> None:
    padded = "Request too large for gpt-4o " + "x" * 600
    assert not templates.is_too_large_text(padded)


@pytest.mark.parametrize("piece", ["9", "9 in a ", "1s", "1.1s", "a ", "x, ", "`", "tokens "])
def test_hostile_message_takes_no_time(piece: str) -> None:
    def read() -> None:
        for start in (
            "",
            "Please try again in ",
            "This model's maximum context length is 1 tokens. However, you requested 1 ",
        ):
            message = (start + piece * 600)[: templates.MOST_MESSAGE_CHARS - 1] + "!"
            assert templates.context_text(message) is None
            assert templates.wait_text(message) is None
            assert not templates.is_too_large_text(message)

    assert units_of(read, 50) < 50  # a hundredth of one in 2026
