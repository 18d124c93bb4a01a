"""Templates of messages that refuse the turns of a conversation: chat templates have rules of their own."""

import re

from engine.providers.message_templates import matched

SYSTEM_ROLE, ALTERNATION = "turns.system", "turns.alternation"
"""The `field` of an error that refuses turns of the system, and of one that refuses two turns of one role in a row."""
_BEFORE = r"(?:Error rendering prompt with jinja template: \"?|Jinja Exception: |TemplateError: )?"
_AFTER = (
    r"\.?\"?\.?(?: This is usually an issue with the model's prompt template\."
    r"(?: If you are using a popular model,[\w .,'/-]{1,400})?)?(?: None)?"
)
_SYSTEM_ROLE = tuple(
    re.compile(template, re.IGNORECASE)
    for template in (
        rf"{_BEFORE}System role (?:is )?not supported{_AFTER}",
        (
            r"Unsupported value: '?messages\[\d{1,4}\]\.role'? does not support '(?:system|developer)' with this "
            r"model\."
            r"(?: Use '\w{1,20}' instead\.)?"
        ),
        r"Developer instruction is not enabled for (?:models/[\w.-]{1,80}|this model)\.?",
    )
)
_ALTERNATION = (
    re.compile(
        rf"{_BEFORE}(?:After the optional system message, )?Conversation roles must alternate "
        r"(?:user/assistant/user/assistant/\.\.\.|user and assistant roles(?: except for tool calls and results)?)"
        rf"{_AFTER}",
        re.IGNORECASE,
    ),
)


def refused_turns(message: str) -> str:
    """Return SYSTEM_ROLE or ALTERNATION if a message refuses such turns; empty for any other message."""
    if matched(_SYSTEM_ROLE, message) is not None:
        return SYSTEM_ROLE
    return ALTERNATION if matched(_ALTERNATION, message) is not None else ""
