"""The health of one offer: breaker, track record, pending attempts, demand. `now` is monotonic seconds, passed in."""

from bisect import bisect_left, bisect_right, insort
from collections import deque
from dataclasses import dataclass, field
from math import inf

from engine.routing.breaker import Breaker
from engine.routing.pending_attempts import PendingAttempts
from engine.routing.permits import OfferStatus

FIRST_TOKEN_SAMPLES = 50
MEMORY = 0.9  # the weight of the past at each attempt
FAILURE_MEMORY = 0.8  # the weight of the past at each failure
HALF_LIFE_SECONDS = 60.0  # without attempts the failure chance halves in this time, so that the offer is tried again
USUAL_FAILURE_SECONDS = 1.0
# cost of a failure as a share of an answer's cost: before any content, and after it
QUICK_FAILURE_SHARE, CUT_SHARE = 0.05, 0.6
NEGLIGIBLE_CHANCE = 1e-4
CHANCE_AFTER_RECOVERY = 0.05
LATE_LEAST_SECONDS, LATE_TIMES = 2.0, 2.5
LEAST_SAMPLES, LATEST_SAMPLES = 10, 5
SILENCE_COUNTS_AS = 4  # late attempts: together they are as unlikely as a hang is likely
ALIVE_TIMES, ALIVE_SECONDS, MOST_HOPEFUL = 2.0, 0.1, 5
HOLD_SECONDS, ALIVE_FOR_SECONDS = 0.1, 1.0
DEMAND_SECONDS, MOST_SAVINGS, LEAST_SAVINGS = 60.0, 4096, 5
FREE_TIMES = 2  # a free place under a limit counts like this many additional places


@dataclass(slots=True)
class TrackRecord:
    """One offer's recent chance of failing, the time that a failure takes, and its times to the first token."""

    p50_first_token_ms: int | None = None
    p95_first_token_ms: int | None = None
    failure_seconds: float = USUAL_FAILURE_SECONDS
    failure_share: float = QUICK_FAILURE_SHARE
    is_untried: bool = True
    _calm_status: OfferStatus | None = None
    _failure_chance: float = 0.0
    _updated_at: float = 0.0
    _first_tokens_ms: deque[int] = field(default_factory=lambda: deque(maxlen=FIRST_TOKEN_SAMPLES))
    _ordered_ms: list[int] = field(default_factory=list)  # the same, sorted

    def failure_chance(self, now: float) -> float:
        """Return the chance that an attempt fails, from 0 to 1."""
        if self._failure_chance < NEGLIGIBLE_CHANCE:
            return 0.0
        return float(self._failure_chance * 0.5 ** (max(0.0, now - self._updated_at) / HALF_LIFE_SECONDS))

    def status(self, now: float) -> OfferStatus:
        """Return the status of an offer without limits. The same object is returned until something changes it."""
        if self._calm_status is not None:
            return self._calm_status
        chance = self.failure_chance(now)
        found = OfferStatus("", False, chance, self.failure_seconds, self.failure_share, self.first_token_seconds)
        if not chance:
            self._calm_status = found
        return found

    @property
    def first_token_seconds(self) -> float:
        """The median time to the first token; 0 if unknown."""
        return (self.p50_first_token_ms or 0) / 1000

    @property
    def late_seconds(self) -> float | None:
        """The time to a first token above which it is unusually late; None if too few times are known."""
        if self.p95_first_token_ms is None or len(self._first_tokens_ms) < LEAST_SAMPLES:
            return None
        return max(LATE_LEAST_SECONDS, LATE_TIMES * self.p95_first_token_ms / 1000)

    def waiting_chance(self, seconds: float) -> float:
        """Return the chance that a first token takes longer than this, in general or at the moment.

        An offer that answers, but slowly, is not silent.
        """
        times, wait_ms = self._first_tokens_ms, seconds * 1000
        longer = len(times) - bisect_right(self._ordered_ms, wait_ms)
        latest = [times[-number] for number in range(1, min(LATEST_SAMPLES, len(times)) + 1)]
        return max((longer + 1) / (len(times) + 1), sum(each > wait_ms for each in latest) / LATEST_SAMPLES)

    def succeeded(self, now: float, first_token_ms: int | None) -> None:
        self._record(now, failed=False)
        self.learn_speed(first_token_ms)

    def learn_speed(self, first_token_ms: int | None) -> None:
        if first_token_ms is not None:
            self._calm_status = None
            ordered = self._ordered_ms
            if len(ordered) == FIRST_TOKEN_SAMPLES:
                del ordered[bisect_left(ordered, self._first_tokens_ms[0])]
            self._first_tokens_ms.append(first_token_ms)
            insort(ordered, first_token_ms)
            self.p50_first_token_ms = ordered[len(ordered) // 2]
            self.p95_first_token_ms = ordered[len(ordered) * 95 // 100]

    def failed(self, now: float, seconds: float, *, was_alive: bool = False) -> None:
        """Record a failure that took `seconds`. `was_alive`: it came after the first token, so a part was billed."""
        self._record(now, failed=True)
        share = CUT_SHARE if was_alive else QUICK_FAILURE_SHARE
        self.failure_seconds += (1 - FAILURE_MEMORY) * (max(0.0, seconds) - self.failure_seconds)
        self._calm_status = None
        self.failure_share += (1 - FAILURE_MEMORY) * (share - self.failure_share)

    def recovered(self, now: float, usual: float = 0.0) -> None:
        """Record the end of an outage: of the failure chance, only a small part or the `usual` one remains."""
        least = max(CHANCE_AFTER_RECOVERY, usual)
        self._calm_status = None
        self._failure_chance, self._updated_at = min(self.failure_chance(now), least), now

    def _record(self, now: float, *, failed: bool) -> None:
        self.is_untried, self._calm_status = False, None
        self._failure_chance = self.failure_chance(now) * MEMORY + (1 - MEMORY) * failed
        self._updated_at = now


@dataclass(slots=True)
class SlotDemand:
    """The value of a place at an offer with a learned limit, from the savings of the prompts in the last minute.

    If more prompts want the offer than its limit allows, a place is worth as much as the prompts beyond the limit would
    save, so that the places go to those that save most. Savings are in atto-dollars.
    """

    _savings: deque[tuple[float, float]] = field(default_factory=deque)
    _price: float = 0.0
    _priced_at: float = 0.0

    def add(self, now: float, saving_atto: float) -> None:
        self._savings.append((now, saving_atto))
        if len(self._savings) > MOST_SAVINGS:
            self._savings.popleft()

    def slot_atto(self, now: float, per_minute: int, free: int = 0) -> float:
        """Return the value of a place, computed at most once a second.

        The more of the places are `free`, the lower it is: the savings of a minute ago may be of other prices.
        """
        if now >= self._priced_at + 1.0 or now < self._priced_at:
            self._priced_at, self._price = now, self._value(now, per_minute + FREE_TIMES * free)
        return self._price

    def _value(self, now: float, per_minute: int) -> float:
        while self._savings and self._savings[0][0] <= now - DEMAND_SECONDS:
            self._savings.popleft()
        wanted = len(self._savings)
        if wanted <= max(per_minute, LEAST_SAVINGS):
            return 0.0
        return sorted(saving for _, saving in self._savings)[wanted - per_minute - 1]


@dataclass(slots=True)
class RestCost:
    """The extra money that prompts have paid since the latest attempt because an offer rests.

    `failure_seconds`: how long the latest failure before a first token took.
    """

    paid_atto: float = 0.0
    failure_seconds: float = USUAL_FAILURE_SECONDS
    attempted_at: float = -inf

    def attempted(self, now: float) -> None:
        """Record an attempt during a rest."""
        self.attempted_at, self.paid_atto = now, 0.0

    def wait_seconds(self, now: float, opened_at: float, pause_seconds: float, failure_atto: float) -> float:
        """Return the seconds until another attempt is worth its cost; infinite while prompts have paid too little."""
        if self.paid_atto < failure_atto:
            return inf
        return max(0.0, max(opened_at, self.attempted_at) + pause_seconds - now)


@dataclass(slots=True)
class OfferHealth:
    """The health of one offer. `gone_until`: until then the model counts as unknown to the provider, as it has said.

    `early_at`: the time of the next attempt during a rest. `failing_since`: the first failure since the latest first
    token; None without one.
    """

    breaker: Breaker
    last_error: str = ""
    gone_until: float = 0.0
    early_at: float = 0.0
    track: TrackRecord = field(default_factory=TrackRecord)
    pending: PendingAttempts = field(default_factory=PendingAttempts)
    demand: SlotDemand = field(default_factory=SlotDemand)
    resting: RestCost = field(default_factory=RestCost)
    answered_at: float = -inf
    failing_since: float | None = None
    _failed_at: float = -inf
    _silent_until: float = -inf  # attempts that began before it waited in a hang that is over

    def outlives_failures(self, now: float, opened_at: float) -> bool:
        """Return whether an attempt during a rest has outlived the usual failure: the offer may have recovered.

        At most `MOST_HOPEFUL` further attempts follow before its first token.
        """
        begun = [at for at in self.pending.began_at.values() if at >= opened_at]
        alive_seconds = ALIVE_TIMES * self.resting.failure_seconds + ALIVE_SECONDS
        return 0 < len(begun) <= MOST_HOPEFUL and now - min(begun) >= alive_seconds

    def another_wait_seconds(self, now: float, pause_seconds: float, failure_atto: float) -> float:
        """Return the seconds until a further attempt is worth its cost while the running ones are late."""
        return self.resting.wait_seconds(now, self.pending.newest_at, pause_seconds, failure_atto)

    def hold_seconds(self, now: float) -> float:
        """Return the seconds until the running attempts will show whether the offer works; 0 if it has shown that.

        An attempt shows it by a first token within the last second, or by waiting for a while without a failure.
        """
        oldest_at = self.pending.oldest_at
        if oldest_at == inf or self.answered_at > max(self._failed_at, now - ALIVE_FOR_SECONDS):
            return 0.0
        return max(0.0, oldest_at + HOLD_SECONDS - now)

    def late_attempts(self, now: float) -> int:
        """Return how many attempts wait unusually long for a first token: this shows an outage before any timeout."""
        late_seconds = self.track.late_seconds if self.pending.began_at else None
        if late_seconds is None:
            return 0
        late = self.pending.late(now, late_seconds)
        return max(late, SILENCE_COUNTS_AS) if self._is_silent(now) else late

    def first_token(self, now: float, number: int, began_at: float) -> None:
        """Record the first token of an attempt that began at `began_at`: it ends the wait of all that began before.

        If they were silent together, the offer hung. That is over, and their timeouts, which come later, are a part of
        it: they say nothing about the time since.
        """
        if self._is_silent(now):
            self._silent_until = began_at
            self.track.recovered(now, self.breaker.usual_failure_share)
        self.pending.answered(number)

    def _is_silent(self, now: float) -> bool:
        """Return whether it is unlikely that the running attempts wait for so long by chance: the offer hangs."""
        oldest_at, p95_ms = self.pending.oldest_at, self.track.p95_first_token_ms
        if p95_ms is None or 1000 * (now - oldest_at) <= p95_ms or self.track.late_seconds is None:
            return False
        return self.pending.is_silent(now, self.track.waiting_chance)

    def succeeded(self, now: float, began_at: float, *, number: int, probe: bool) -> None:
        """Record a first token."""
        self.answered_at, self.failing_since = now, None
        ignored, recovers = self.breaker.ignores(began_at), probe and self.breaker.is_open
        self.breaker.succeeded(now, began_at, number=number, probe=probe)
        if recovers:
            self.track.recovered(now, self.breaker.usual_failure_share)
        if recovers or not ignored:
            self.track.succeeded(now, None)

    def failed(
        self, now: float, began_at: float, *, number: int, probe: bool, was_alive: bool, patience_seconds: float
    ) -> bool:
        """Record a failure; return True if it opens the breaker.

        `patience_seconds`: the longest wait for a first token.
        """
        self._failed_at = now
        if not was_alive and began_at < self._silent_until:
            return False
        if self.failing_since is None:
            self.failing_since = now
            self.resting.attempted(now)
        if not was_alive:
            self.resting.failure_seconds = now - began_at
        if probe or not self.breaker.ignores(began_at, number):
            self.track.failed(now, now - began_at, was_alive=was_alive)
        late_seconds = self.track.late_seconds or patience_seconds
        pending = self.pending.hopeful(now, late_seconds)
        return self.breaker.failed(now, began_at, number=number, probe=probe, pending=pending)

    def restore(self, now: float) -> None:
        """End a rest."""
        self.breaker.close(now)
        self.gone_until = 0.0
        self.track.recovered(now, self.breaker.usual_failure_share)
