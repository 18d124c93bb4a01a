"""The hold for a long text where too few reports of its offer are known, such as for a file of 200 kB."""

from typing import Protocol

LONG_TOKENS, LONG_MARGIN = 4096, 2.0
"""From this size on, the kind of a text is certain. The vocabularies that were measured are within 1.5 of the estimate
for its kind; the hold has a margin of two."""


class MeasuredInput(Protocol):
    """The part of a measure that is needed here: see `engine.catalog.token_counts.Measure`."""

    @property
    def tokens(self) -> int: ...
    @property
    def most_tokens(self) -> int: ...
    @property
    def overhead_tokens(self) -> int: ...
    @property
    def is_plain(self) -> bool: ...


def unlearned_hold_tokens(measure: MeasuredInput) -> int:
    """Return the input tokens to hold: the bound by the bytes, or less for a long text alone."""
    if not measure.is_plain or measure.tokens < LONG_TOKENS:
        return measure.most_tokens
    return min(measure.most_tokens, int(measure.tokens * LONG_MARGIN) + measure.overhead_tokens)
