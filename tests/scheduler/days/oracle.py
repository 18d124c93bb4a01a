"""The judge of a simulated day: it knows the simulated faults and the providers' calls, and reads the admin's chat.

Each noticeable outage must be reported once and in time, and end with one reply in time; nothing else may be reported.
An outage that began and ended while Telegram or the processes were away must be one message in the past tense.
"""

import math
import re
from collections.abc import Iterator

from tests.scheduler.days.chat_log import (
    ADMINS,
    ALL,
    AVOIDED,
    LIMITED,
    LOW,
    PRICE,
    Told,
    outages_told_to,
    told_to,
)
from tests.scheduler.days.service import ALERTS_SECONDS, OFFERS, Day
from tests.scheduler.days.weather import (
    BALANCE,
    CUT,
    KEY,
    LIMIT,
    REMOVED,
    SILENT,
    SOFT,
    UNBLOCKED,
    Call,
    Trouble,
)

OUTAGES_SECONDS, BALANCES_SECONDS, PRICES_SECONDS, PROBES_SECONDS, REOPEN_SECONDS = 15, 600, 60, 60, 600
WITHIN = 2
"""The number of intervals of a job within which its alert must be sent."""
FAILURES_TO_OPEN = 5
LONGEST_REST_SECONDS = 66.0
ANSWER_SECONDS = 3.0
PATIENCE_SECONDS = {SILENT: 20.0, CUT: 3.0}


class Oracle:
    def __init__(self, day: Day, hours: float) -> None:
        self._day, self._end, self._troubles = day, 1000 + 3600 * hours, day.weather.troubles

    def faults(self) -> list[str]:
        """Return a sentence for each fact that was missed, late, repeated or false."""
        found = [*self._day.errors]
        outages = (self._false, self._missed, self._twice, self._unended, self._others)
        for check in (*outages, self._limits, self._prices, self._low):
            found += check()
        return found

    # --- outages ------------------------------------------------------------------------------------------

    def _false(self) -> Iterator[str]:
        for told in self._outages():
            if told.is_past and not self._was_away(told.at):
                yield f"told only after its end: {told.text} at {self._at(told.at)}"
            since = self._before(told.at, WITHIN * OUTAGES_SECONDS + 5 + ANSWER_SECONDS)
            if not self._was_out(told.subject, since, told.at) and not self._has_opened(told.subject, since, told.at):
                yield f"false: {told.text} at {self._at(told.at)}"
        for told in self._told(ALL):
            offered = {o.provider for o in OFFERS if not self._is_removed(o.name, told.at)}
            if offered - {t.provider for t in self._troubles if t.begins < told.at < t.ends + 60}:
                yield f"false: {told.text} at {self._at(told.at)}"
        for told in self._told(AVOIDED):
            if not self._was_sick(told.subject, told.at - 330, told.at):
                yield f"false: {told.text} at {self._at(told.at)}"
            is_outage = self._was_out(told.subject, told.at - 60, told.at)
            if is_outage and self._has_opened(told.subject, told.at - 330, told.at):
                yield f"an outage was told as avoided: {told.text} at {self._at(told.at)}"

    def _missed(self) -> Iterator[str]:
        for trouble in self._hard():
            seen = self._seen_at(trouble)
            if seen is None:
                continue
            by = seen + self._slack(seen, WITHIN * OUTAGES_SECONDS + PATIENCE_SECONDS.get(trouble.kind, 0))
            if by < min(trouble.ends, self._end) and not self._is_told(trouble, by):
                yield f"missed or late: {trouble} seen at {self._at(seen)}"

    def _twice(self) -> Iterator[str]:
        last: dict[str, Told] = {}
        for told in self._outages():
            key = f"{told.subject} {_grave(told)}"
            if key in last and told.at - self._over_at(last[key]) < REOPEN_SECONDS:
                yield f"twice: {told.text} at {self._at(told.at)}"
            last[key] = told

    def _unended(self) -> Iterator[str]:
        for told in [*self._outages(), *self._told(AVOIDED)]:
            over = max(
                (t.ends for t in self._troubles if t.provider == told.provider and t.begins <= told.at), default=0.0
            )
            if told.replies > (0 if told.is_past else 1):
                yield f"{told.replies} replies: {told.text}"
            if told.ended_at is None and not self._has_relapsed(told) and "is down" in told.text:
                most = self._slack(over, 2 * (LONGEST_REST_SECONDS + PROBES_SECONDS) + WITHIN * OUTAGES_SECONDS)
                if over + most < self._end and not self._sick_after(told.provider, over, over + most):
                    yield f"no end told: {told.text} of {self._at(told.at)}, over at {self._at(over)}"
            if told.ended_at is not None and "down" in told.text and not self._has_ended(told, told.ended_at):
                yield f"false end: {told.text} at {self._at(told.ended_at)}"

    # --- other facts ------------------------------------------------------------------------------------------

    def _limits(self) -> Iterator[str]:
        seen: dict[str, float] = {}
        for told in self._told(LIMITED):
            limits = [
                t for t in self._troubles if t.kind == LIMIT and t.provider == told.provider and t.begins < told.at
            ]
            if not any(self._before(told.at, 130) < t.ends for t in limits):
                yield f"false: {told.text} at {self._at(told.at)}"
            begun = max((t.begins for t in limits), default=0.0)
            if seen.get(told.subject) == begun:
                yield f"twice: {told.text} at {self._at(told.at)}"
            seen[told.subject] = begun

    def _prices(self) -> Iterator[str]:
        told = sorted((each.at, each.subject) for each in self._told(PRICE))
        changes = [
            (at, name) for at, name in self._day.repriced if at + self._slack(at, WITHIN * PRICES_SECONDS) < self._end
        ]
        for at, name in changes:
            found = [
                each
                for each in told
                if each[1] == name and at <= each[0] <= at + self._slack(at, WITHIN * PRICES_SECONDS)
            ]
            later = [each for each in self._day.repriced if each[1] == name and at < each[0] <= at + 130]
            is_away = self._is_removed(name, at) or self._is_removed(name, at + WITHIN * PRICES_SECONDS)
            if not found and not later and not is_away:
                yield f"missed: the price of {name} at {self._at(at)}"
        if len(told) > len(self._day.repriced):
            yield f"{len(told)} prices told, {len(self._day.repriced)} changed"

    def _low(self) -> Iterator[str]:
        for provider, begins, ends in self._day.weather.low_balance:
            told = [each for each in self._told(LOW) if each.subject == provider]
            due = begins + self._slack(begins, WITHIN * BALANCES_SECONDS)
            gone = [t for t in self._troubles if t.kind == BALANCE and t.provider == provider]
            if any(t.begins < due + 600 and t.ends > begins - 600 for t in gone) or due > min(ends, self._end):
                continue
            again = sum(begins < t.begins < ends for t in gone)  # low once more after it was used up
            if not 1 <= len(told) <= 1 + again or not begins <= told[0].at <= due:
                yield f"low balance of {provider} at {self._at(begins)} told {[self._at(e.at) for e in told]}"
            elif ends + self._slack(ends, WITHIN * BALANCES_SECONDS) < self._end and told[-1].replies != 1:
                yield f"end of the low balance of {provider} at {self._at(ends)} not told"

    # --- what happened ----------------------------------------------------------------------------------------

    def _told(self, pattern: re.Pattern[str]) -> list[Told]:
        return told_to(self._day.telegram, pattern)

    def _outages(self) -> list[Told]:
        return outages_told_to(self._day.telegram)

    def _others(self) -> Iterator[str]:
        """Compare the chat of an admin who has come back with the first admin's, from a minute after that on."""
        for since in (act.at + 60 for act in self._day.weather.interventions if act.kind == UNBLOCKED):
            first, second = (
                [each for each in outages_told_to(self._day.telegram, admin) if each.at > since] for admin in ADMINS
            )
            for one, other in ((first, second), (second, first)):
                for told in one:
                    near = [
                        each
                        for each in other
                        if each.subject == told.subject and abs(each.at - told.at) < self._slack(told.at, 60)
                    ]
                    if not near and told.at + 60 < self._end:
                        yield f"only one admin was told: {told.text} at {self._at(told.at)}"

    def _over_at(self, told: Told) -> float:
        """Return when a reported outage was over; infinity if it was not."""
        if told.is_past:
            ends = (t.ends for t in self._hard() if t.provider == told.provider and t.ends <= told.at)
            return max(ends, default=told.at)
        return math.inf if told.ended_at is None else told.ended_at

    def _was_away(self, at: float) -> bool:
        """Return whether shortly before that time no message could be sent."""
        return any(begins <= at <= ends + WITHIN * ALERTS_SECONDS for begins, ends in self._day.downtimes)

    def _hard(self) -> list[Trouble]:
        return [each for each in self._troubles if each.kind not in SOFT]

    def _was_out(self, subject: str, since: float, until: float) -> bool:
        """Return whether the offer (for a provider: one of its offers) had an outage in that span."""
        provider = subject.partition("/")[0]
        found = [t for t in self._hard() if t.provider == provider and t.begins <= until and t.ends >= since]
        return any("/" not in t.subject or t.subject == subject or "/" not in subject for t in found)

    def _has_opened(self, subject: str, since: float, until: float) -> bool:
        """Return whether FAILURES_TO_OPEN calls of an offer in a row failed by then, also by chance: it was at rest.

        A refusal for a limit is not a failure.
        """
        provider, _, model = subject.partition("/")
        failed: dict[str, int] = {}
        for call in self._day.weather.calls:
            if call.provider != provider or model not in ("", call.model) or call.at > until or call.outcome == LIMIT:
                continue
            failed[call.model] = 0 if call.good else failed.get(call.model, 0) + 1
            if failed[call.model] >= FAILURES_TO_OPEN and call.at >= since:
                return True
        return False

    def _was_sick(self, subject: str, since: float, until: float) -> bool:
        provider, _, model = subject.partition("/")
        return any(t.concerns(provider, model) and t.begins <= until and t.ends >= since for t in self._troubles)

    def _sick_after(self, provider: str, since: float, until: float) -> bool:
        return any(t.provider == provider and t.begins <= until and t.ends > since for t in self._troubles)

    def _calls(self, trouble: Trouble) -> list[Call]:
        return [
            c
            for c in self._day.weather.calls
            if trouble.begins <= c.at <= trouble.ends and trouble.concerns(c.provider, c.model)
        ]

    def _seen_at(self, trouble: Trouble) -> float | None:
        """Return when an offer had failed so often in a row that it counts as out; None if never."""
        failed: dict[str, int] = {}
        for call in self._calls(trouble):
            if call.good:
                failed[call.model] = 0
                continue
            failed[call.model] = failed.get(call.model, 0) + 1
            if trouble.kind in (KEY, BALANCE) or failed[call.model] >= FAILURES_TO_OPEN:
                return call.at
        return None

    def _is_told(self, trouble: Trouble, by: float) -> bool:
        """Return whether an incident that covers the trouble was open in its time, or was reopened."""
        found = [each for each in self._outages() if each.provider == trouble.provider and each.at <= by]
        return any(each.ended_at is None or each.ended_at >= trouble.begins or self._relapses(each) for each in found)

    def _relapses(self, told: Told) -> bool:
        return any(m.edits > 0 for m in self._day.telegram.messages.values() if m.reply_to == (ADMINS[0], told.number))

    def _has_relapsed(self, told: Told) -> bool:
        return any(
            "again" in m.text for m in self._day.telegram.messages.values() if m.reply_to == (ADMINS[0], told.number)
        )

    def _has_ended(self, told: Told, by: float) -> bool:
        return self._answered(told, by) or any(
            act.kind == REMOVED and act.subject == told.subject and act.at <= by
            for act in self._day.weather.interventions
        )

    def _answered(self, told: Told, by: float) -> bool:
        """Return whether the provider answered between the message and its end, or the time without messages before."""
        since = self._before(told.at, 60)
        provider, _, model = told.subject.partition("/")
        return any(
            c.good and since <= c.at <= by and c.provider == provider and model in ("", c.model)
            for c in self._day.weather.calls
        )

    def _slack(self, at: float, seconds: float) -> float:
        """Return the seconds after `at` within which a fact must be reported, longer if processes were away."""
        most = seconds + ANSWER_SECONDS
        for begins, ends in self._day.downtimes:
            if begins <= at + most and ends >= at - 5:
                most += ends - max(begins, at) + 2
        return most

    def _is_removed(self, subject: str, at: float) -> bool:
        """Return whether the offer, or each offer of the provider, was out of the configuration at that time."""
        acts = sorted((each.at, each.subject, each.kind) for each in self._day.weather.interventions if each.at <= at)
        latest = {name: kind for _, name, kind in acts}
        return all(latest.get(each.name) == REMOVED for each in OFFERS if subject in (each.name, each.provider))

    def _before(self, at: float, seconds: float) -> float:
        """Return the earliest time of the facts that a message of `at` may report: processes may have been away."""
        away = [begins for begins, ends in self._day.downtimes if begins <= at <= ends + seconds]
        return min([at, *away]) - seconds

    @staticmethod
    def _at(at: float) -> int:
        return round(at - 1000)


def _grave(told: Told) -> str:
    return next((kind for kind in (KEY, BALANCE) if kind in told.text), "")
