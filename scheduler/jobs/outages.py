"""Outages, decided from journaled attempts: whoever runs the clock sees what every replica has seen.

A provider is down after so many failures in a row, or when half of a busy minute failed: its breaker may bear that,
where it is cheap, but its operator wants to know. A refused key and an empty balance are incidents of their own, told
at once.
"""

from datetime import datetime, timedelta
from fractions import Fraction
from functools import partial

from engine.catalog.defaults import USUAL_REQUEST
from engine.catalog.offers import Model, Offer
from engine.chat import Usage
from engine.errors import EngineError
from engine.gateway.gateway import loses
from engine.money import ZERO, Money
from engine.routing.health import State
from engine.routing.offer_health import WINDOW_LEAST, WINDOW_SECONDS
from engine.routing.plan import plan
from locales.button import Button
from scheduler import incidents as telling
from scheduler.context import JobContext
from scheduler.incidents import Facts, Story
from scheduler.job import Job
from storage.database.connection import Connection
from storage.database.dates import day_of
from storage.operations import incidents
from storage.operations.incidents import Incident
from storage.reports import journal
from storage.reports.journal import NEEDS_OPERATOR, Detour, Streak
from storage.reports.losses import lost_since
from storage.tenants import notices

DOWN, ALL_DOWN = "provider_down", "everything_down"
KINDS = (DOWN, *NEEDS_OPERATOR)
MEMORY = timedelta(hours=6)
RATE_TO_TELL = 0.5
SHARE_WINDOW = timedelta(hours=1)
RECENT = timedelta(minutes=10)


async def run(desk: JobContext) -> None:
    now = desk.clock.now()
    since = now - MEMORY
    names = await desk.db.read(lambda conn: journal.providers_seen(conn, since))
    for name in names:
        if name in desk.market.providers:
            await _provider(desk, name, now)
    await _everything(desk, now)
    await _limits(desk, now)


async def _provider(desk: JobContext, name: str, now: datetime) -> None:
    streak = await desk.db.read(lambda conn: _latest(conn, name, now))
    kind = _kind(desk, streak)
    if kind is None:
        await _single_keys(desk, name, now)
        if not streak.failures:
            await _back(desk, name, streak, now)
        return
    for other in KINDS:
        if other != kind:
            await telling.is_superseded(desk, other, name, now)
    await telling.happens(desk, _story(kind, name), await _facts(desk, streak, now), now)


async def _single_keys(desk: JobContext, name: str, now: datetime) -> None:
    """One key of several out of service while the others serve: no outage, but told, once a day."""
    if desk.market.providers[name].keys < 2:  # noqa: PLR2004 - with one key it is an outage
        return
    found = await desk.db.read(lambda conn: journal.operator_failures(conn, name, now - RECENT))
    for outcome in found:
        key = f"key:{name}:{outcome}:{now:%Y-%m-%d}"
        if await desk.db.write(partial(notices.first_time, key=key, now=now)):
            await desk.notifier.tell_admins("alert.one_key", {"provider": name, "error": outcome})


def _latest(conn: Connection, name: str, now: datetime) -> Streak:
    """The run of failures; or, where it is broken by single answers, the bad minute."""
    streak = journal.streak(conn, name, now - MEMORY)
    minute = journal.window(conn, name, now - timedelta(seconds=WINDOW_SECONDS))
    busy = minute.attempts >= WINDOW_LEAST and minute.streak.failures >= RATE_TO_TELL * minute.attempts
    return minute.streak if busy and streak.failures < minute.streak.failures else streak


def _kind(desk: JobContext, streak: Streak) -> str | None:
    """Which incident this is, if any."""
    if streak.needs_operator:
        return streak.last_outcome
    if streak.failures >= desk.failures_to_open:
        return DOWN
    return None


def _story(kind: str, provider: str) -> Story:
    def buttons(incident: int) -> tuple[Button, ...]:
        return (
            Button("alert.mute", "alerts", "mute", (str(incident),)),
            Button("alert.drain", "providers", "drain", (provider,)),
            Button("alert.probe", "providers", "probe", (provider,)),
        )

    return Story(kind, provider, "alert.provider_down", "alert.provider_back", _words, buttons)


async def _back(desk: JobContext, name: str, streak: Streak, now: datetime) -> None:
    for kind in KINDS:
        known = await desk.db.read(lambda conn, kind=kind: incidents.find_open(conn, kind, name))  # type: ignore[misc]
        if known is not None:
            back_at = max(streak.last_good_at or now, known.opened_at)
            await telling.is_over(desk, _story(kind, name), await _detour(desk, known, back_at), now)


async def _detour(desk: JobContext, known: Incident, back_at: datetime) -> dict[str, object]:
    """How long, how many prompts others answered, what that cost, and what more than here."""
    found = await desk.db.read(lambda conn: journal.detour(conn, known.subject, known.opened_at, back_at))
    more = _more(desk, known.subject, found, back_at)
    return {
        "provider": known.subject,
        "minutes": max(1, round((back_at - known.opened_at).total_seconds() / 60)),
        "prompts": found.prompts,
        "cost": str(found.cost),
        "more": {"key": "alert.more", "values": {"usd": str(more)}} if more is not None else "",
    }


def _more(desk: JobContext, provider: str, found: Detour, at: datetime) -> Money | None:
    """Beyond what the same tokens would have cost here; None where no price is known."""
    price = desk.market.catalog.book.price(provider, found.model, at) if found.model else None
    if price is None or not found.prompts:
        return None
    return found.cost - Money.from_atto(price.cost_atto(Usage(found.input_tokens, found.output_tokens)))


async def _facts(desk: JobContext, streak: Streak, now: datetime) -> Facts:
    since = streak.since or now
    share = await desk.db.read(lambda conn: journal.share(conn, streak.provider, since - SHARE_WINDOW, since))
    offer, usd = await _instead(desk, streak.provider, now)
    return {
        "provider": streak.provider,
        "error": streak.last_outcome,
        "count": streak.failures,
        "limited": streak.rate_limited,
        "status": streak.last_status,
        "since": f"{since:%H:%M:%S}",
        "share": round(share * 100),
        "offer": offer.name if offer else "",
        "usd": usd,
    }


async def _instead(desk: JobContext, down: str, now: datetime) -> tuple[Offer | None, str]:
    """Who answers `auto` now, and at what price a usual prompt."""
    catalog, health = desk.market.catalog, desk.market.health
    try:
        model = catalog.model("auto")
    except EngineError:
        return None, ""
    out = {each.subject for each in await desk.db.read(incidents.all_open) if each.kind in KINDS} | {down}
    quotes, drops = catalog.quote(USUAL_REQUEST, model, now)
    may_lose = await _may_lose(desk, model, now)
    asked = [q for q in quotes if q.offer.provider not in out and (may_lose or not loses(q, model.tariff))]
    route = plan(asked, drops, health.status, Fraction(0))
    return (route.quotes[0].offer, str(route.quotes[0].expected)) if route.quotes else (None, "")


async def _may_lose(desk: JobContext, model: Model, now: datetime) -> bool:
    most = model.max_loss_per_day
    if most is None:
        return True
    lost, _ = await desk.db.read(partial(lost_since, day=day_of(now)))
    return lost.get(model.name, ZERO) < most


def _words(facts: Facts) -> dict[str, object]:
    """Said only where there is something to say: the status, 429s, how it is mended, how often it came back."""
    status, limited, returned = facts["status"], facts["limited"], facts.get("returned", 0)
    now = {"key": "alert.now", "values": {"offer": facts["offer"], "usd": facts["usd"]}}
    return {
        **facts,
        "status": f" ({status})" if status else "",
        "limited": {"key": "alert.limited", "values": {"n": limited}} if limited else "",
        "mend": {"key": f"alert.{facts['error']}", "values": {}} if facts["error"] in NEEDS_OPERATOR else "",
        "returned": {"key": "alert.returned", "values": {"n": returned}} if returned else "",
        "now": now if facts["offer"] else {"key": "alert.nobody", "values": {}},
    }


async def _everything(desk: JobContext, now: datetime) -> None:
    """A prompt failed everywhere since anybody last answered one, or nobody can be asked."""
    last_good = await desk.db.read(journal.last_answer_at)
    since = max(now - RECENT, last_good or now - RECENT)
    failed, first = await desk.db.read(lambda conn: journal.failed_everywhere(conn, since))
    resting = await _all_rest(desk)
    if failed or resting:
        await telling.happens(desk, _ALL, {"count": failed, "since": f"{first:%H:%M:%S}", "states": _states(desk)}, now)
        return
    known = await desk.db.read(lambda conn: incidents.find_open(conn, ALL_DOWN, "all"))
    if known is not None and (not known.facts["count"] or (last_good is not None and last_good > known.opened_at)):
        back_at = last_good if last_good is not None and last_good > known.opened_at else now
        minutes = max(1, round((back_at - known.opened_at).total_seconds() / 60))
        await telling.is_over(desk, _ALL, {"minutes": minutes}, now)


async def _all_rest(desk: JobContext) -> bool:
    """True when every configured provider is out: as this process knows it, or by an open incident."""
    out = {each.subject for each in await desk.db.read(incidents.all_open) if each.kind in KINDS}
    states = [state for state in desk.market.health.states() if desk.market.providers[state.name].keys]
    in_service = [state for state in states if state.state is not State.DRAINED]
    return bool(in_service) and all(
        state.name in out or state.state in {State.OPEN, State.RESTING} for state in in_service
    )


def _all_words(facts: Facts) -> dict[str, object]:
    key = "alert.failed_everywhere" if facts["count"] else "alert.all_rest"
    return {**facts, "what": {"key": key, "values": {"count": facts["count"], "since": facts["since"]}}}


_ALL = Story(ALL_DOWN, "all", "alert.everything_down", "alert.everything_back", _all_words)


def _states(desk: JobContext) -> str:
    """Why each is out, without the seconds: a text that changed every run would be edited every run."""
    return "\n".join(
        f"{state.name}: {state.reason.partition(',')[0] or state.state.value}"
        for state in desk.market.health.states()
        if desk.market.providers[state.name].keys
    )


async def _limits(desk: JobContext, now: datetime) -> None:
    """A limit that fell, as a fact, once however many replicas learn it: the lesson of swallowed 429s."""
    for fact in desk.market.health.limit_facts():
        key = f"limit:{fact.provider}:{fact.now_per_minute}:{now:%Y-%m-%d}"
        if await desk.db.write(lambda conn, key=key: notices.first_time(conn, key, now)):  # type: ignore[misc]
            values = {"provider": fact.provider, "now": fact.now_per_minute, "before": fact.before_per_minute}
            await desk.notifier.tell_admins("alert.limit_fell", values)


JOB = Job("outages", "outages", run)
