"""A circuit breaker. `now` is monotonic seconds, passed in."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf

WINDOW_SECONDS, WINDOW_LEAST, MOST_OUTCOMES = 60.0, 20, 2_000
RATE_TO_OPEN = 0.8
MOST_USUAL = 0.99
CHANCE_TO_OPEN = 1e-5  # a run of failures that is less likely than this, given the minute before, is an outage
CHANCE_OF_REPEAT = 1e-3  # the same limit for an immediate repeat
FIRST_REST_SHARE = 1 / 12  # as a share of the longest rest; each failed probe doubles the rest


@dataclass(slots=True)
class CountedAttempt:
    """One attempt as the breaker counts it: when it began, and when its first token or its failure came.

    `cut_at`: the time of a failure after the first token.
    """

    number: int
    began_at: float
    known_at: float
    failed: bool
    cut_at: float = -inf


@dataclass(slots=True)
class Breaker:
    """A circuit breaker: it opens, rests, then lets one probe through at a time (half-open) until a probe succeeds.

    It opens after `failures_to_open` failures in a row, or if most attempts of a busy minute failed. The order "in a
    row" is that of the attempts' start: a failure that began before the latest success is out of date. If the minute
    before was flaky, the run must be so long that it is unlikely to be chance. The first rest is a twelfth of
    `rest_seconds`, and each failed probe doubles it up to `rest_seconds`.
    """

    failures_to_open: int
    rest_seconds: float
    probing: bool = False
    opened_at: float = -inf  # the start of the last outage
    opened_until: float | None = None
    next_rest_seconds: float = 0.0
    closed_at: float = -inf  # the end of the last outage
    _ended_by: int = 0  # the number of the probe that ended it
    _usual: float = 0.0  # the share of attempts that failed before the last run of failures
    _usual_at: float = -inf
    _outcomes: deque[CountedAttempt] = field(default_factory=deque)

    @property
    def is_open(self) -> bool:
        """True while open or half-open."""
        return self.opened_until is not None

    @property
    def usual_failure_share(self) -> float:
        """The share of attempts that failed before the last run of failures, from 0 to 1."""
        return self._usual

    @property
    def failures(self) -> int:
        """The number of failures since the latest success, ordered by the start of the attempts."""
        return len(self.run())

    def run(self) -> list[CountedAttempt]:
        """Return the failures that began after the latest success began, in order."""
        run: list[CountedAttempt] = []
        good_since = -inf
        for outcome in reversed(self._outcomes):
            if outcome.known_at < good_since:
                break
            if not outcome.failed:
                good_since = max(good_since, outcome.began_at)
                run = [each for each in run if each.began_at >= good_since]
            elif outcome.began_at > good_since:
                run.append(outcome)
        return sorted(run, key=lambda each: each.began_at)

    def window(self, now: float) -> list[CountedAttempt]:
        """Return the outcomes of the last minute."""
        return [each for each in self._outcomes if each.known_at > now - WINDOW_SECONDS]

    def is_likely_down(self, now: float) -> bool:
        """Return whether the failures since the latest first token are too many for chance: a repeat would fail.

        A cut counts by its time: an outage cuts all answers at once, whenever they began. Any other failure counts by
        its start: one that began before the latest success says nothing about the time after it.
        """
        if self.is_open:
            return True
        window = self.window(now)
        good = [each for each in window if not each.failed]
        good_at = max((each.known_at for each in good), default=-inf)
        good_since = max((each.began_at for each in good), default=-inf)
        since = [each for each in window if each.failed and (each.cut_at > good_at or each.began_at > good_since)]
        before = len(window) - len(since)
        share = (sum(each.failed for each in window) - len(since) + 1) / (before + 2)
        return len(since) > 1 and share ** len(since) < CHANCE_OF_REPEAT

    def wait_seconds(self, now: float) -> float:
        """Return the seconds until a probe is allowed; 0 if closed or half-open."""
        return 0.0 if self.opened_until is None else max(0.0, self.opened_until - now)

    def ignores(self, began_at: float, number: int = 0) -> bool:
        """Return whether an attempt is ignored: it began before the end of an outage, and was not its probe."""
        return self.is_open or (began_at < self.closed_at and not (number and number == self._ended_by))

    def succeeded(self, now: float, began_at: float, *, number: int = 0, probe: bool = False) -> None:
        """Record a first token.

        An open breaker is closed only by its probe: other attempts may have begun before the outage.
        """
        if probe and self.is_open:
            self.close(now)
            self._ended_by = number
        elif self.ignores(began_at):
            return
        self._record(CountedAttempt(number, began_at, now, failed=False))

    def failed(
        self, now: float, began_at: float, *, number: int = 0, probe: bool = False, pending: Iterable[float] = ()
    ) -> bool:
        """Record a failure; return True if it opens the breaker.

        A failure after the first token replaces the success of the same `number`. A failed probe begins another rest,
        even if its first token had ended the outage. `pending`: start times of attempts that may still answer; while
        one of them began within the run of failures, the run does not count as "in a row".
        """
        if probe and self.is_open:
            self.probing = False
            self._rest(now)
            return False
        if not self.is_open and self._is_the_only_answer(number):
            self._rest(now)
            return False
        if self.ignores(began_at, number):
            return False
        self._record_failure(CountedAttempt(number, began_at, now, failed=True))
        if not self._is_outage(now, pending):
            return False
        self.open(now)
        return True

    def open(self, now: float) -> None:
        """Begin an outage."""
        self.opened_at = now
        self.next_rest_seconds = self.rest_seconds * FIRST_REST_SHARE
        self._rest(now)

    def adopt(self, opened_at: float, opened_until: float, next_rest_seconds: float) -> None:
        """Take over a rest that another process has begun."""
        self.opened_at, self.opened_until = opened_at, opened_until
        self.next_rest_seconds, self.probing = next_rest_seconds, False

    def release_probe(self) -> None:
        """Allow another probe, because the last one ended without a result."""
        self.probing = False

    def close(self, now: float) -> None:
        """End an outage. The failure share from before it is remembered for the same time again."""
        if self.is_open:
            self.closed_at = now
            self._usual_at = max(self._usual_at, now) if self._usual else self._usual_at
        self.opened_until, self.probing, self._ended_by = None, False, 0
        self._outcomes.clear()

    def _is_the_only_answer(self, number: int) -> bool:
        """Return whether the attempt with this number ended the outage, and no other attempt has answered since."""
        ended = bool(number) and number == self._ended_by
        return ended and all(each.failed or each.number == number for each in self._outcomes)

    def _rest(self, since: float) -> None:
        self.opened_until = since + self.next_rest_seconds
        self.next_rest_seconds = min(self.rest_seconds, 2 * self.next_rest_seconds)

    def _is_outage(self, now: float, pending: Iterable[float]) -> bool:
        run = self.run()
        if len(run) >= self.failures_to_open and not self._may_be_chance(now, run):
            first, last = run[0].began_at, run[-1].began_at
            return not any(first < began_at <= last for began_at in pending)
        window = self.window(now)
        return len(window) >= WINDOW_LEAST and sum(each.failed for each in window) >= RATE_TO_OPEN * len(window)

    def _may_be_chance(self, now: float, run: list[CountedAttempt]) -> bool:
        """Return whether this number of failures in a row may be chance, given the failure rate before the run.

        Answers that were cut off since the latest first token belong to the outage, not to the time before it.
        """
        of_run = set(map(id, run))
        good_at = max((each.known_at for each in self._outcomes if not each.failed), default=-inf)
        before = [each.failed for each in self.window(now) if id(each) not in of_run and each.cut_at <= good_at]
        if len(before) >= WINDOW_LEAST:
            self._usual, self._usual_at = max(_share(before), _share(before[-WINDOW_LEAST:])), now
        is_recent = now - self._usual_at <= self.rest_seconds + WINDOW_SECONDS
        return is_recent and min(self._usual, MOST_USUAL) ** len(run) > CHANCE_TO_OPEN

    def _record_failure(self, outcome: CountedAttempt) -> None:
        for known in reversed(self._outcomes):
            if outcome.number and known.number == outcome.number:
                known.failed, known.cut_at = True, outcome.known_at
                return
        self._record(outcome)

    def _record(self, outcome: CountedAttempt) -> None:
        """Record an outcome. Outcomes older than a minute are dropped, but never the latest ones of a quiet offer.

        Of a busy minute the latest are kept: they tell as much, and a failure looks at all of them.
        """
        outcomes, ended_at = self._outcomes, outcome.known_at - WINDOW_SECONDS
        outcomes.append(outcome)
        while len(outcomes) > MOST_OUTCOMES or (len(outcomes) > WINDOW_LEAST and outcomes[0].known_at <= ended_at):
            outcomes.popleft()


def _share(failed: list[bool]) -> float:
    return sum(failed) / len(failed)
