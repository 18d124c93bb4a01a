"""Finish reasons, as providers of every dialect name them."""

import re

from engine.chat import Finish

_NAMES: dict[Finish | None, str] = {
    Finish.STOP: "stop stopped eos eos_token eot end_turn stop_sequence stop_token pause_turn complete completed done",
    Finish.TOOL_CALLS: "tool_calls tool_call tool_use function_call function_calls",
    Finish.LENGTH: """length max_length max_tokens max_output_tokens max_completion_tokens max_new_tokens model_length
        model_context_window_exceeded context_length_exceeded context_length token_limit incomplete truncated
        continuation""",
    Finish.REFUSED: """content_filter content_filtered content_filtering refusal refused sensitive safety recitation
        language blocklist blocked prohibited_content spii guardrail_intervened guardrails moderation""",
    None: """error failed failure insufficient_system_resource network_error abort aborted cancelled canceled
        interrupted timeout overloaded server_error internal_error malformed_function_call malformed_response
        malformed_tool_call malformed_tool_use unexpected_tool_call missing_thought_signature too_many_tool_calls
        other""",
}
_FINISHES = {name: finish for finish, names in _NAMES.items() for name in names.split()}
_LIKE: tuple[tuple[re.Pattern[str], Finish | None], ...] = (
    (re.compile(r"error|fail|abort|cancel|interrupt|time_?d?_?out|overload|malformed|unavailable|disconnect"), None),
    (re.compile(r"rate_limit|quota"), None),
    (re.compile(r"length|limit|max_|truncat|exceed|incomplete"), Finish.LENGTH),
    (re.compile(r"filter|safety|sensitive|refus|block|prohibit|moderat|guardrail|policy|^image_"), Finish.REFUSED),
    (re.compile(r"tool|function"), Finish.TOOL_CALLS),
)
_NONE = frozenset({"", "null", "none", "finish_reason_unspecified"})
_MOST_CHARS = 100


def is_reason(reason: object) -> bool:
    """Return whether `reason` says that the choice has ended; some servers send `""` or `"null"` until then."""
    return isinstance(reason, str) and reason.strip().lower() not in _NONE


def finish_of(reason: str) -> Finish | None:
    """Return the finish that a reason means; None for a failure of the provider. An unknown one is `stop`."""
    name = _plain(reason)
    if name in _FINISHES:
        return _FINISHES[name]
    return next((finish for like, finish in _LIKE if like.search(name)), Finish.STOP)


def is_listed(reason: object) -> bool:
    """Return whether `reason` is one that a provider is known to send."""
    return isinstance(reason, str) and _plain(reason) in _FINISHES


def _plain(reason: str) -> str:
    return reason[:_MOST_CHARS].strip().lower().replace("-", "_").replace(" ", "_")
