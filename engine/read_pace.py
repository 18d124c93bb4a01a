"""ReadPace: how often a provider's stream is read. Data that arrives during a pause does not wake the event loop."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadPace:
    """When to pause between reads. No pause follows the first `prompt_reads` reads, so that an answer appears early.

    Each later read is followed by a pause of `pause_seconds`, or of `share` of the time that the answer has taken if
    that is longer, but at most `most_seconds`. `joins_texts`: texts that arrive together become one, for a reader that
    shows the answer at intervals, or at its end.
    """

    pause_seconds: float = 0.0
    prompt_reads: int = 8
    share: float = 0.0
    most_seconds: float = 0.05
    joins_texts: bool = False

    def pause(self, reads: int, seconds: float) -> float:
        """Return the seconds to pause after `reads` reads, `seconds` after the request was sent."""
        if not self.pause_seconds or reads < self.prompt_reads:
            return 0.0
        return max(self.pause_seconds, min(self.most_seconds, self.share * seconds))


AT_ONCE = ReadPace()
LIVE = ReadPace(0.01, prompt_reads=3, share=0.02, most_seconds=0.02)
"""For a stream that is shown as it comes: a burst of frames becomes a few reads."""

WHOLE = ReadPace(0.01, prompt_reads=1, share=1.0, joins_texts=True)
"""For an answer that is shown at its end: it comes 50 ms later at most."""
