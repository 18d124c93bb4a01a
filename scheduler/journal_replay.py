"""Breakers computed from journaled attempts: the health of a provider's offers, the same in every process."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import takewhile
from typing import NamedTuple

from engine.catalog.thinking import is_thinking_model
from engine.errors import RateLimited, Unreachable
from engine.routing.breaker import Breaker
from engine.routing.health import HealthPolicy
from engine.routing.offer_health import OfferHealth
from engine.routing.provider_health import ProviderHealth
from storage.reports.journal import NEEDS_OPERATOR, JournaledAttempt, OpenRequest

LONGEST_ANSWER_SECONDS = 120.0
"""An open request that is older does not delay an alert."""
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Failures:
    """The failures of an offer or a provider since its latest success; rate limits are counted separately.

    `last_outcome` and `last_status` are those of the latest failure; `since` is the start of the first one.
    """

    count: int = 0
    rate_limited: int = 0
    since: datetime | None = None
    last_outcome: str = ""
    last_status: int | None = None


@dataclass(frozen=True, slots=True)
class RecentAttempts:
    """An offer's attempts in a past span of time. `usual_outcome`: the most frequent failure.

    `failed_between`: the failures before its latest success; later ones may be the start of an outage.
    """

    count: int
    failed: int
    failed_between: int
    usual_outcome: str


@dataclass(slots=True)
class OfferReplay:
    """One offer: its breaker, its latest success that counts, and the attempts of its outage or latest failures."""

    health: OfferHealth
    good_at: datetime | None = None
    rate_limited: int = 0
    _outage: list[JournaledAttempt] = field(default_factory=list)
    _known: dict[int, tuple[float, JournaledAttempt]] = field(default_factory=dict)

    @property
    def is_down(self) -> bool:
        return self.health.breaker.is_open

    @property
    def has_recovered(self) -> bool:
        """True if its latest attempt that counts has answered."""
        return not self.is_down and self.good_at is not None and not self.failed

    @property
    def failed(self) -> list[JournaledAttempt]:
        """The failures of its outage, or those since its latest success."""
        if self.is_down:
            return self._outage
        return self._attempts_of_run()

    def recent(self, since: datetime, until: datetime) -> RecentAttempts:
        """Return the offer's attempts from `since` to `until`: later ones may not be journaled yet."""
        start = since.timestamp()
        known = [each for at, each in self._known.values() if at >= start and each.began_at <= until]
        outcomes = [each.outcome for each in known if each.has_failed]
        usual = max(outcomes, key=outcomes.count, default="")
        at_end = len(list(takewhile(lambda each: each.has_failed, reversed(known))))
        return RecentAttempts(len(known), len(outcomes), len(outcomes) - at_end, usual)

    def has_failed_since(self, at: float) -> bool:
        """Return whether a failure of its outage, or since its latest success, ended after that time."""
        return any(each.ended_at.timestamp() > at for each in self.failed)

    def answered(self, at: float, attempt: JournaledAttempt) -> None:
        """Process a first token. An open breaker is closed only by an attempt that began after it had opened."""
        breaker, began_at = self.health.breaker, attempt.began_at.timestamp()
        probe = breaker.is_open and began_at >= breaker.opened_at
        self._know(at, attempt)
        if breaker.ignores(began_at) and not probe:
            return
        self.health.succeeded(at, began_at, number=attempt.number, probe=probe)
        self.good_at, self.rate_limited = datetime.fromtimestamp(at, UTC), 0

    def failed_at(self, at: float, attempt: JournaledAttempt, patience_seconds: float) -> bool:
        """Process a failure; return True if it opens the breaker."""
        self._know(at, attempt)
        if self.is_down:
            self._outage.append(attempt)
            return False
        opened = self.health.failed(
            at,
            attempt.began_at.timestamp(),
            number=attempt.number,
            probe=False,
            was_alive=attempt.first_token_at is not None,
            patience_seconds=patience_seconds,
        )
        if opened:
            run, minute = self._attempts_of_run(), self._attempts_of_minute(at)
            self._outage = run if len(run) >= self.health.breaker.failures_to_open else minute
        elif self.health.breaker.is_open:  # opened again, because the probe that had ended the outage was cut
            self._outage.append(attempt)
        return opened

    def _attempts_of_run(self) -> list[JournaledAttempt]:
        return self._attempts(each.number for each in self.health.breaker.run())

    def _attempts_of_minute(self, at: float) -> list[JournaledAttempt]:
        return self._attempts(each.number for each in self.health.breaker.window(at) if each.failed)

    def _attempts(self, numbers: Iterable[int]) -> list[JournaledAttempt]:
        """Return the attempts with these numbers, in the order in which their results became known."""
        chosen = set(numbers)
        return [each for number, (_, each) in self._known.items() if number in chosen]

    def _know(self, at: float, attempt: JournaledAttempt) -> None:
        self._known.pop(attempt.number, None)
        self._known[attempt.number] = (at, attempt)


@dataclass(slots=True)
class ProviderReplay:
    """One provider: the facts that its offers share, and its offers by model.

    `refused`: the attempts whose key was refused or had no balance, unless a later attempt has answered.
    """

    health: ProviderHealth
    failures_to_open: int
    policy: HealthPolicy
    offers: dict[str, OfferReplay] = field(default_factory=dict)
    refused: list[JournaledAttempt] = field(default_factory=list)
    good_at: datetime | None = None
    _bad_at: datetime = _EPOCH

    @property
    def is_down(self) -> bool:
        return self.health.breaker.is_open

    @property
    def has_recovered(self) -> bool:
        """True if an attempt has answered since the last failure that concerned the whole provider."""
        return not self.is_down and not self.refused and self.good_at is not None and self.good_at > self._bad_at

    def was_down_since(self, model: str, since: datetime) -> bool:
        """Return whether the provider, or its offer of this model, is down, or was down at some time after `since`."""
        breakers = (self.health.breaker, self.offers[model].health.breaker)
        return any(each.is_open or each.closed_at >= since.timestamp() for each in breakers)

    def failures(self, model: str | None = None) -> Failures:
        """Return the failures of an offer; for None, those of all offers and keys together."""
        if model is not None:
            offer = self.offers[model]
            return _failures(offer.failed, offer.rate_limited)
        found = [each for offer in self.offers.values() for each in offer.failed] + self.refused
        rate_limited = sum(offer.rate_limited for offer in self.offers.values())
        return _failures(sorted(found, key=lambda each: (each.ended_at, each.number)), rate_limited)

    def offer(self, model: str) -> OfferReplay:
        """Return the offer of a model; create it if it is new."""
        found = self.offers.get(model)
        if found is None:
            health = OfferHealth(Breaker(self.failures_to_open, self.policy.rest_seconds))
            found = self.offers[model] = OfferReplay(health)
            self.health.offers[model] = health
        return found

    # --- events -----------------------------------------------------------------------------------------

    def begin(self, at: float, attempt: JournaledAttempt) -> None:
        pending = self.offer(attempt.model).health.pending
        pending.begin(attempt.number, at)
        if is_thinking_model(attempt.model):
            pending.think(attempt.number, self.policy.first_token_seconds)

    def answered(self, at: float, attempt: JournaledAttempt) -> None:
        """Process a first token."""
        offer, breaker, began_at = self.offer(attempt.model), self.health.breaker, attempt.began_at.timestamp()
        offer.health.pending.answered(attempt.number)
        offer.health.track.learn_speed(round(1000 * (at - began_at)))
        self.refused = [each for each in self.refused if each.ended_at > attempt.began_at]
        probe = breaker.is_open and began_at >= breaker.opened_at
        if probe or not breaker.ignores(began_at):
            self.good_at = datetime.fromtimestamp(at, UTC)
        breaker.succeeded(at, began_at, number=attempt.number, probe=probe)
        offer.answered(at, attempt)

    def end(self, at: float, attempt: JournaledAttempt) -> None:
        """Process the end of an attempt: a failure, a refused key or a rate limit; any other end is ignored."""
        offer, breaker = self.offer(attempt.model), self.health.breaker
        offer.health.pending.end(attempt.number)
        if attempt.outcome == RateLimited.outcome:
            offer.rate_limited += 1
        elif attempt.outcome in NEEDS_OPERATOR:
            self.refused.append(attempt)
            self._bad_at = attempt.ended_at
        elif attempt.has_failed:
            was_down = self.is_down
            if offer.failed_at(at, attempt, _patience_seconds(self.policy, attempt.model)):
                offer.health.last_error = attempt.outcome
                self.health.offer_opened(attempt.model, at)
            if attempt.outcome == Unreachable.outcome:
                breaker.failed(at, attempt.began_at.timestamp(), number=attempt.number)
            if self.is_down and not was_down:
                self._bad_at = attempt.ended_at


def replay(
    attempts: Iterable[JournaledAttempt],
    open_requests: Iterable[OpenRequest],
    failures_to_open: int,
    policy: HealthPolicy,
) -> ProviderReplay:
    """Return the health of the provider of `attempts`, processed in the order in which their results became known.

    An answer's result is known at its first token, a failure's at its end; a cut turns a success into a failure. An
    open request may have a running attempt here: it counts as an attempt without a result.
    """
    attempts = list(attempts)
    health = ProviderHealth((), Breaker(failures_to_open, policy.rest_seconds), _EPOCH)
    found = ProviderReplay(health, failures_to_open, policy)
    events: list[_Event] = []
    for each in attempts:
        events += _events(found, each)
    models = {each.model for each in attempts}
    for number, began in enumerate(_under_way(attempts, open_requests), start=1):
        for model in models:
            take = partial(found.offer(model).health.pending.begin, -number, began)
            events.append(_Event(began, _BEGIN, -number, take))
    for event in sorted(events, key=lambda event: event[:3]):
        event.take()
    return found


def longest_answer(attempts: Sequence[JournaledAttempt], policy: HealthPolicy) -> timedelta:
    """Return the time after which a request without an answer will get none: the longest answer of these attempts."""
    seconds = [(each.ended_at - each.began_at).total_seconds() for each in attempts if each.good_at is not None]
    patience = [_patience_seconds(policy, model) for model in {each.model for each in attempts}]
    return timedelta(seconds=min(LONGEST_ANSWER_SECONDS, max([policy.first_token_seconds, *patience, *seconds])))


def _patience_seconds(policy: HealthPolicy, model: str) -> float:
    """Return the longest wait for a first token of the model."""
    return policy.patience_seconds(thinks=is_thinking_model(model))


class _Event(NamedTuple):
    at: float
    order: int
    number: int
    take: Callable[[], None]


_FIRST_TOKEN, _END, _BEGIN = range(3)  # at equal times, ends are processed before beginnings


def _events(found: ProviderReplay, attempt: JournaledAttempt) -> list[_Event]:
    began, number, good = attempt.began_at.timestamp(), attempt.number, attempt.good_at
    ended = attempt.ended_at.timestamp()
    events = [_Event(ended, _END, number, partial(found.end, ended, attempt))]
    if good is not None:
        at = good.timestamp()
        events.append(_Event(at, _FIRST_TOKEN, number, partial(found.answered, at, attempt)))
    if began < min(event.at for event in events):
        events.append(_Event(began, _BEGIN, number, partial(found.begin, began, attempt)))
    return events


def _under_way(attempts: Iterable[JournaledAttempt], requests: Iterable[OpenRequest]) -> list[float]:
    """Return the assumed start of each open request's attempt: its own start, or the end of its latest attempt here."""
    ended = {each.request_id: each.ended_at for each in attempts}
    return [max(each.began_at, ended.get(each.request_id, each.began_at)).timestamp() for each in requests]


def _failures(attempts: list[JournaledAttempt], rate_limited: int) -> Failures:
    if not attempts:
        return Failures(rate_limited=rate_limited)
    statuses = [each.status for each in attempts if each.status is not None]
    return Failures(
        count=len(attempts),
        rate_limited=rate_limited,
        since=min(each.began_at for each in attempts),
        last_outcome=attempts[-1].outcome,
        last_status=statuses[-1] if statuses else None,
    )
