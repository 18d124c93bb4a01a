"""UsageCounts: the numbers of all usage reports of one stream, put together."""

import math
from itertools import islice
from typing import Any

_MOST_FIELDS = 64
_MOST_DIGITS = 24  # of a number that is sent as a text


class UsageCounts:
    """The latest reported value of each number. A reported count is never replaced by zero, null or absence.

    Some servers end their stream with a report of zeros, or of details alone.
    """

    def __init__(self, parts: tuple[str, ...] = (), total: str = "") -> None:
        """`parts`, `total`: a report of a part without the total makes an earlier total out of date."""
        self._parts, self._total = parts, total
        self._counts: dict[str, int] = {}  # a detail by its path, with a dot

    def add(self, report: Any) -> bool:
        """Take one report; return False where it has none of the form."""
        if not isinstance(report, dict) or not report:
            return False
        if self._total and not count_of(report.get(self._total)) and any(count_of(report.get(p)) for p in self._parts):
            self._counts.pop(self._total, None)
        for name, value in islice(report.items(), _MOST_FIELDS):
            if isinstance(value, dict):
                for detail, number in islice(value.items(), _MOST_FIELDS):
                    self._set(f"{name}.{detail}", number)
            else:
                self._set(name, value)
        return True

    def first(self, *paths: str) -> int:
        """Return the first of these counts that is not zero; a path of two names is joined by a dot."""
        for path in paths:
            if found := self._counts.get(path, 0):
                return found
        return 0

    def _set(self, path: str, value: Any) -> None:
        number = count_of(value)
        if number > 0 or path not in self._counts:
            self._counts[path] = number


def count_of(value: Any) -> int:
    """Return a reported number as a whole one, rounded up, also where it is sent as a text; 0 for anything else."""
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
    """Return the output tokens, and whether the total disagrees with the parts: the larger of both counts.

    Some providers report reasoning beside the output, with the right total.
    """
    if total_tokens <= 0 or min(input_tokens, output_tokens) < 0:
        return output_tokens, False
    return max(output_tokens, total_tokens - input_tokens), total_tokens != input_tokens + output_tokens
