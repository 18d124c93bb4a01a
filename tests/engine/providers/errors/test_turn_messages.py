"""Messages that refuse turns: each fits as a whole, or not at all."""

import pytest

from engine.providers.errors.turn_messages import ALTERNATION, SYSTEM_ROLE, refused_turns

ALTERNATE = "Conversation roles must alternate user/assistant/user/assistant/..."
MESSAGES = (
    ("System role not supported", SYSTEM_ROLE),
    ("Jinja Exception: System role not supported", SYSTEM_ROLE),
    ("Unsupported value: 'messages[0].role' does not support 'system' with this model.", SYSTEM_ROLE),
    ("Developer instruction is not enabled for models/gemma-3-27b-it", SYSTEM_ROLE),
    (ALTERNATE, ALTERNATION),
    (f"After the optional system message, {ALTERNATE} None", ALTERNATION),
    (
        (
            'Error rendering prompt with jinja template: "After the optional system message, conversation roles must '
            'alternate user and assistant roles except for tool calls and results.". This is usually an issue with the '
            "model's prompt template."
        ),
        ALTERNATION,
    ),
)


@pytest.mark.parametrize(("message", "field"), MESSAGES)
def test_turns_are_read_from_the_whole_message_only(message: str, field: str) -> None:
    assert refused_turns(f" {message}\n") == field
    for quoting in (f"Invalid value: {message}", f"'{message}'", f"{message} x"):
        assert refused_turns(quoting) == ""
