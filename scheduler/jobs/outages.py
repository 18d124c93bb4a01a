"""Alerts about providers that are down, decided from journaled attempts: they come from every replica.

A provider is down after `failures_to_open` failures in a row, or when half of the attempts of a busy minute failed.
A refused key and an empty balance are incidents of their own, reported at once.
"""

from datetime import datetime, timedelta
from functools import partial

from engine.routing.breaker import WINDOW_LEAST, WINDOW_SECONDS
from engine.routing.health import State
from locales.button import Button
from scheduler.context import JobContext
from scheduler.incidents import Alert, IncidentFacts, close_silently, report, resolve
from scheduler.job import Job
from scheduler.outage_facts import (
    OUTAGE_KINDS,
    PROVIDER_DOWN,
    minutes_between,
    outage_facts,
    outage_values,
    providers_out,
    recovery_values,
)
from storage.database.connection import Connection
from storage.operations import incidents
from storage.reports import journal
from storage.reports.journal import Streak
from storage.tenants import notices

ALL_DOWN = "everything_down"
LOOK_BACK = timedelta(hours=6)
RECENT = timedelta(minutes=10)
DOWN_SHARE = 0.5
"""Share of a busy minute's attempts whose failure is an outage."""


async def run(context: JobContext) -> None:
    """Report each provider, then all together, then limits that fell."""
    now = context.clock.now()
    since = now - LOOK_BACK
    for name in await context.db.read(lambda conn: journal.providers_seen(conn, since)):
        if name in context.market.providers:
            await _report_provider(context, name, now)
    await _report_all_down(context, now)
    await _report_limits(context, now)


async def _report_provider(context: JobContext, name: str, now: datetime) -> None:
    streak = await context.db.read(lambda conn: _failures(conn, name, now))
    kind = _outage_kind(context, streak)
    if kind is None:
        await _report_single_keys(context, name, now)
        if not streak.failures:
            await _resolve_provider(context, name, streak, now)
        return
    for other in OUTAGE_KINDS:
        if other != kind:
            await close_silently(context, other, name, now)
    await report(context, _outage_alert(kind, name), await outage_facts(context, streak, now), now)


def _failures(conn: Connection, name: str, now: datetime) -> Streak:
    """Return the failures in a row; where single answers break the row, those of the bad minute."""
    streak = journal.streak(conn, name, now - LOOK_BACK)
    minute = journal.window(conn, name, now - timedelta(seconds=WINDOW_SECONDS))
    is_bad = minute.attempts >= WINDOW_LEAST and minute.streak.failures >= DOWN_SHARE * minute.attempts
    return minute.streak if is_bad and streak.failures < minute.streak.failures else streak


def _outage_kind(context: JobContext, streak: Streak) -> str | None:
    if streak.needs_operator:
        return streak.last_outcome
    return PROVIDER_DOWN if streak.failures >= context.failures_to_open else None


def _outage_alert(kind: str, provider: str) -> Alert:
    def buttons(incident: int) -> tuple[Button, ...]:
        return (
            Button("alert.mute", "alerts", "mute", (str(incident),)),
            Button("alert.drain", "providers", "drain", (provider,)),
            Button("alert.probe", "providers", "probe", (provider,)),
        )

    return Alert(kind, provider, "alert.provider_down", "alert.provider_back", outage_values, buttons)


async def _resolve_provider(context: JobContext, name: str, streak: Streak, now: datetime) -> None:
    for kind in OUTAGE_KINDS:
        known = await context.db.read(partial(incidents.find_open, kind=kind, subject=name))
        if known is not None:
            back_at = max(streak.last_good_at or now, known.opened_at)
            await resolve(context, _outage_alert(kind, name), await recovery_values(context, known, back_at), now)


async def _report_single_keys(context: JobContext, name: str, now: datetime) -> None:
    """Report, once a day, a key that fails while the provider's other keys serve."""
    if context.market.providers[name].keys < 2:  # noqa: PLR2004 - with one key it is an outage
        return
    for outcome in await context.db.read(lambda conn: journal.operator_failures(conn, name, now - RECENT)):
        key = f"key:{name}:{outcome}:{now:%Y-%m-%d}"
        if await context.db.write(partial(notices.first_time, key=key, now=now)):
            await context.notifier.notify_admins("alert.one_key", {"provider": name, "error": outcome})


async def _report_all_down(context: JobContext, now: datetime) -> None:
    """Report that a prompt failed at every provider since the last answer, or that every provider is out."""
    last_answer = await context.db.read(journal.last_answer_at)
    since = max(now - RECENT, last_answer or now - RECENT)
    failed, first = await context.db.read(lambda conn: journal.failed_everywhere(conn, since))
    if failed or await _all_out(context):
        facts = {"count": failed, "since": f"{first:%H:%M:%S}", "states": _states(context)}
        await report(context, _ALL_DOWN_ALERT, facts, now)
        return
    known = await context.db.read(partial(incidents.find_open, kind=ALL_DOWN, subject="all"))
    if known is None:
        return
    has_answered = last_answer is not None and last_answer > known.opened_at
    if has_answered or not known.facts["count"]:
        back_at = last_answer if has_answered and last_answer is not None else now
        await resolve(context, _ALL_DOWN_ALERT, {"minutes": minutes_between(known.opened_at, back_at)}, now)


async def _all_out(context: JobContext) -> bool:
    """Return True where every configured provider is out, by this process's health or by an open incident."""
    out = await providers_out(context)
    states = [state for state in context.market.health.states() if context.market.providers[state.name].keys]
    in_service = [state for state in states if state.state is not State.DRAINED]
    return bool(in_service) and all(
        state.name in out or state.state in {State.OPEN, State.RESTING} for state in in_service
    )


def _states(context: JobContext) -> str:
    """Return why each provider is out, without its seconds: they would change the message with every run."""
    return "\n".join(
        f"{state.name}: {state.reason.partition(',')[0] or state.state.value}"
        for state in context.market.health.states()
        if context.market.providers[state.name].keys
    )


def _all_down_values(facts: IncidentFacts) -> dict[str, object]:
    key = "alert.failed_everywhere" if facts["count"] else "alert.all_rest"
    return {**facts, "what": {"key": key, "values": {"count": facts["count"], "since": facts["since"]}}}


_ALL_DOWN_ALERT = Alert(ALL_DOWN, "all", "alert.everything_down", "alert.everything_back", _all_down_values)


async def _report_limits(context: JobContext, now: datetime) -> None:
    """Report a rate limit that fell, once a day however many replicas have learned it."""
    for fact in context.market.health.limit_facts():
        key = f"limit:{fact.provider}:{fact.now_per_minute}:{now:%Y-%m-%d}"
        if await context.db.write(partial(notices.first_time, key=key, now=now)):
            values = {"provider": fact.provider, "now": fact.now_per_minute, "before": fact.before_per_minute}
            await context.notifier.notify_admins("alert.limit_fell", values)


JOB = Job("outages", "outages", run)
