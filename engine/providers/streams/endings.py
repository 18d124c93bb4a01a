"""Finish reasons and usage reports in the forms of all providers."""

import math
import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from engine.chat import Finish

_NAMES: dict[Finish | None, str] = {
    Finish.STOP: "stop stopped eos eos_token eot end_turn stop_sequence stop_token pause_turn complete completed done",
    Finish.TOOL_CALLS: "tool_calls tool_call tool_use function_call function_calls",
    Finish.LENGTH: """length max_length max_tokens max_output_tokens max_completion_tokens max_new_tokens model_length
        model_context_window_exceeded context_length_exceeded context_length token_limit incomplete truncated
        continuation error_limit""",
    Finish.REFUSED: """content_filter content_filtered content_filtering refusal refused sensitive safety recitation
        language blocklist blocked prohibited_content spii model_armor guardrail_intervened guardrails moderation
        error_toxic toxicity no_image""",
    None: """error failed failure insufficient_system_resource network_error abort aborted cancelled canceled
        interrupted timeout overloaded server_error internal_error malformed_function_call malformed_response
        malformed_tool_call malformed_tool_use unexpected_tool_call missing_thought_signature too_many_tool_calls
        other""",
}
_FINISHES = {name: finish for finish, names in _NAMES.items() for name in names.split()}
_LIKE: tuple[tuple[re.Pattern[str], Finish | None], ...] = (
    (
        re.compile(r"error|fail|abort|cancel|interrupt|time_?d?_?out|overload|unload|malformed|unavailable|disconnect"),
        None,
    ),
    (re.compile(r"rate_limit|quota"), None),
    (re.compile(r"length|limit|max_|truncat|exceed|incomplete"), Finish.LENGTH),
    (re.compile(r"filter|safety|sensitive|refus|block|prohibit|moderat|guardrail|policy|^image_"), Finish.REFUSED),
    (re.compile(r"tool|function"), Finish.TOOL_CALLS),
)
_NONE = frozenset({"", "null", "none", "finish_reason_unspecified"})
_MOST_CHARS = 100
_WORDS = re.compile(r"[- ]|(?<=[a-z0-9])(?=[A-Z])")
_MOST_FIELDS = 64  # in one report
_MOST_DIGITS = 24  # of a number that is sent as text


def is_reason(reason: object) -> bool:
    """Return whether `reason` means that the choice has ended; some servers send `""` or `"null"` before."""
    return isinstance(reason, str) and reason.strip().lower() not in _NONE


def reason_of(choice: Mapping[str, Any]) -> str:
    """Return the reason why a choice in OpenAI's shape has ended; empty if it has not.

    Some servers use another name, or put the reason into the delta.
    """
    delta, stop_reason = choice.get("delta"), choice.get("stop_reason")
    reasons = (
        choice.get("finish_reason"),
        choice.get("finishReason"),
        choice.get("finish_details"),
        choice.get("done_reason"),
        delta.get("finish_reason") if isinstance(delta, dict) else None,
        stop_reason if is_listed(stop_reason) else None,  # with vLLM it is the stop sequence
    )
    named = (reason.get("type") if isinstance(reason, dict) else reason for reason in reasons)
    return next((str(reason) for reason in named if reason is not None and is_reason(reason)), "")


def finish_of(reason: str) -> Finish | None:
    """Return the finish that a reason means; None for a failure of the provider. Unknown reasons count as `stop`."""
    name = _plain(reason)
    if name in _FINISHES:
        return _FINISHES[name]
    return next((finish for like, finish in _LIKE if like.search(name)), Finish.STOP)


def is_listed(reason: object) -> bool:
    """Return whether providers are known to send this `reason`."""
    return isinstance(reason, str) and _plain(reason) in _FINISHES


def _plain(reason: str) -> str:
    """Return a reason in lower case with underscores between its words, also if they are written together."""
    return _WORDS.sub("_", reason[:_MOST_CHARS].strip()).lower()


def in_snake_case(report: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a report with the names of its counts in OpenAI's spelling: some servers write `promptTokens`."""
    if all(name.islower() for name in report):
        return report
    return {_WORDS.sub("_", name).lower(): value for name, value in islice(report.items(), _MOST_FIELDS)}


class UsageCounts:
    """The latest reported value of each number. A reported count is never replaced by zero, null or absence.

    Some servers end their stream with a report of zeros, or of details alone.
    """

    def __init__(self, parts: tuple[str, ...] = (), total: str = "") -> None:
        """Set the names of the `parts` and of the `total`: a report with parts only makes an earlier total obsolete."""
        self._parts, self._total = parts, total
        self._counts: dict[str, int] = {}  # a detail by its path, with a dot
        self._latest: dict[str, Any] | None = None  # the latest report, if it is not counted yet

    @property
    def is_empty(self) -> bool:
        """True if no report has been taken."""
        return self._latest is None and not self._counts

    def add(self, report: Any) -> bool:
        """Take one report; return False if it is not one.

        Some servers report with each frame: a report that replaces all numbers of the latest one spares counting that.
        """
        if not isinstance(report, dict) or not report:
            return False
        if self._latest is not None and not _replaces(report, self._latest):
            self._count(self._latest)
        self._latest = report
        return True

    def add_all(self, reports: Sequence[dict[str, Any] | None]) -> bool:
        """Take the reports of consecutive frames; return False if there are none."""
        given = [report for report in reports if report]
        if given and _replace_each_other(given):
            given = given[-1:]
        for report in given:
            self.add(report)
        return bool(given)

    def _count(self, report: dict[str, Any]) -> None:
        self._latest = None
        if self._total and not count_of(report.get(self._total)) and any(count_of(report.get(p)) for p in self._parts):
            self._counts.pop(self._total, None)
        for name, value in islice(report.items(), _MOST_FIELDS):
            if isinstance(value, dict):
                for detail, number in islice(value.items(), _MOST_FIELDS):
                    self._set(f"{name}.{detail}", number)
            else:
                self._set(name, value)

    def first(self, *paths: str) -> int:
        """Return the first of these counts that is not zero, by its path: `a` or `a.b`. Returns 0 if there is none."""
        if self._latest is not None:
            self._count(self._latest)
        for path in paths:
            if found := self._counts.get(path, 0):
                return found
        return 0

    def _set(self, path: str, value: Any) -> None:
        number = count_of(value)
        if number > 0 or path not in self._counts:
            self._counts[path] = number


def _replaces(report: dict[str, Any], earlier: dict[str, Any]) -> bool:
    """Return whether `report` has a positive number for each number in `earlier`. Lists have no counts."""
    if report.keys() != earlier.keys():
        return False
    for name, value in report.items():  # a loop: this runs for each frame, and takes half the time of `all`
        if type(value) is not type(earlier[name]):
            return False
        if type(value) is not list and not (type(value) is int and value > 0):
            return False
    return True


def _replace_each_other(reports: Sequence[dict[str, Any]]) -> bool:
    """Return whether the last report has a positive number for each number in the earlier ones, and no details."""
    last = reports[-1]
    names, types = last.keys(), [*map(type, last.values())]
    alike = [report.keys() == names and [*map(type, report.values())] == types for report in reports]
    return all(alike) and _replaces(last, last)


def count_of(value: Any) -> int:
    """Return a reported number as an integer, rounded up, even if it is sent as text; 0 for anything else."""
    if isinstance(value, bool):
        return 0
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        try:
            value = float(value) if len(value) <= _MOST_DIGITS else 0.0
        except ValueError:
            return 0
    if isinstance(value, float) and math.isfinite(value):
        return math.ceil(value)
    return 0


def reconciled(input_tokens: int, output_tokens: int, total_tokens: int) -> tuple[int, bool]:
    """Return the output tokens, and whether the reported total differs from the parts; then the larger count is used.

    Some providers report reasoning apart from the output, with a correct total.
    """
    if total_tokens <= 0 or min(input_tokens, output_tokens) < 0:
        return output_tokens, False
    return max(output_tokens, total_tokens - input_tokens), total_tokens != input_tokens + output_tokens
