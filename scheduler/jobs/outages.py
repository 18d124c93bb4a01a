"""Outages from the journal: one message per incident, edited as it grows; the return as a reply to it."""

from datetime import datetime, timedelta
from fractions import Fraction

from engine.catalog import Offer
from engine.chat import ChatRequest, Role, says
from engine.errors import EngineError
from engine.routing import plan
from scheduler.desk import Desk
from scheduler.job import Job
from scheduler.ports import Button
from storage import incidents, journal
from storage.connection import Connection
from storage.incidents import Incident
from storage.journal import Streak

DOWN, ALL_DOWN = "provider_down", "everything_down"
MEMORY = timedelta(hours=6)
SHARE_WINDOW = timedelta(hours=1)
RECENT = timedelta(minutes=10)
_USUAL = ChatRequest("alert", "auto", (says(Role.USER, "x" * 2000),))


async def run(desk: Desk) -> None:
    now = desk.clock.now()
    since = now - MEMORY
    names = await desk.db.read(lambda conn: journal.providers_seen(conn, since))
    for name in names:
        if name in desk.market.providers:
            await _provider(desk, name, now)
    await _everything(desk, now)
    await _limits(desk)


async def _provider(desk: Desk, name: str, now: datetime) -> None:
    streak = await desk.db.read(lambda conn: journal.streak(conn, name, now - MEMORY))
    known = await desk.db.read(lambda conn: incidents.open_one(conn, DOWN, name))
    down = streak.needs_mending or streak.failures >= desk.failures_to_open
    if down and known is None:
        await _opened(desk, streak, now)
    elif down and known is not None:
        await _grown(desk, known, streak, now)
    elif known is not None and not streak.failures:
        await _closed(desk, known, streak, now)


async def _opened(desk: Desk, streak: Streak, now: datetime) -> None:
    """A return within reopen_seconds is the same incident: its message is edited, nobody is told anew."""
    facts = await _facts(desk, streak)
    since = now - timedelta(seconds=desk.reopen_seconds)
    earlier = await desk.db.read(lambda conn: incidents.latest_closed(conn, DOWN, streak.provider, since))
    if earlier is not None:
        await desk.db.write(lambda conn: _reopen(conn, earlier, facts, now))
        await _edit(desk, earlier, facts)
        return
    number = await desk.db.write(lambda conn: incidents.begin(conn, DOWN, streak.provider, facts, now))
    sent = await desk.notifier.tell_admins("alert.provider_down", _words(facts), _buttons(number, streak.provider))
    await desk.db.write(lambda conn: incidents.remember_sent(conn, number, sent))


async def _grown(desk: Desk, known: Incident, streak: Streak, now: datetime) -> None:
    if streak.failures == known.facts.get("count") and streak.last_outcome == known.facts.get("error"):
        return
    facts = {**await _facts(desk, streak), "since": known.facts["since"], "share": known.facts["share"]}
    await desk.db.write(lambda conn: incidents.update(conn, known.id, facts, now))
    if now >= known.muted_until:
        await _edit(desk, known, facts)


async def _closed(desk: Desk, known: Incident, streak: Streak, now: datetime) -> None:
    back_at = streak.last_good_at or now
    if not await desk.db.write(lambda conn: incidents.close(conn, known.id, now)):
        return
    detour = await desk.db.read(lambda conn: journal.detour(conn, known.subject, known.opened_at, back_at))
    values = {
        "provider": known.subject,
        "minutes": max(1, round((back_at - known.opened_at).total_seconds() / 60)),
        "prompts": detour.prompts,
        "cost": str(detour.cost),
    }
    for sent in known.sent:
        await desk.notifier.reply(sent, "alert.provider_back", values)


def _reopen(conn: Connection, earlier: Incident, facts: dict[str, object], now: datetime) -> None:
    incidents.reopen(conn, earlier.id)
    incidents.update(conn, earlier.id, facts, now)


async def _edit(desk: Desk, known: Incident, facts: dict[str, object]) -> None:
    for sent in known.sent:
        await desk.notifier.edit(sent, "alert.provider_down", _words(facts), _buttons(known.id, known.subject))


async def _facts(desk: Desk, streak: Streak) -> dict[str, object]:
    since = streak.since or desk.clock.now()
    share = await desk.db.read(lambda conn: journal.share(conn, streak.provider, since - SHARE_WINDOW, since))
    offer, usd = _instead(desk, streak.provider)
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


def _instead(desk: Desk, down: str) -> tuple[Offer | None, str]:
    """Who answers `auto` now, and at what price a usual prompt."""
    catalog, health = desk.market.catalog, desk.market.health
    try:
        model = catalog.model("auto")
    except EngineError:
        return None, ""
    quotes, drops = catalog.quote(_USUAL, model, desk.clock.now())
    route = plan([q for q in quotes if q.offer.provider != down], drops, health.standing, Fraction(0))
    return (route.quotes[0].offer, str(route.quotes[0].expected)) if route.quotes else (None, "")


def _words(facts: dict[str, object]) -> dict[str, object]:
    """`status` and `limited` are said only where there is something to say."""
    status, limited = facts["status"], facts["limited"]
    now = {"key": "alert.now", "values": {"offer": facts["offer"], "usd": facts["usd"]}}
    return {
        **facts,
        "status": f" ({status})" if status else "",
        "limited": {"key": "alert.limited", "values": {"n": limited}} if limited else "",
        "now": now if facts["offer"] else {"key": "alert.nobody", "values": {}},
    }


def _buttons(incident: int, provider: str) -> tuple[Button, ...]:
    return (
        Button("alert.mute", "alerts", "mute", (str(incident),)),
        Button("alert.drain", "providers", "drain", (provider,)),
        Button("alert.probe", "providers", "probe", (provider,)),
    )


async def _everything(desk: Desk, now: datetime) -> None:
    """A prompt failed everywhere since anybody last answered one."""
    last_good = await desk.db.read(journal.last_answer_at)
    since = max(now - RECENT, last_good or now - RECENT)
    failed = await desk.db.read(lambda conn: journal.failed_everywhere(conn, since))
    known = await desk.db.read(lambda conn: incidents.open_one(conn, ALL_DOWN, "all"))
    if failed and known is None:
        await _all_down(desk, failed, since, now)
    elif known is not None and last_good is not None and last_good > known.opened_at:
        await _all_back(desk, known, last_good, now)


async def _all_back(desk: Desk, known: Incident, answered_at: datetime, now: datetime) -> None:
    if await desk.db.write(lambda conn: incidents.close(conn, known.id, now)):
        minutes = max(1, round((answered_at - known.opened_at).total_seconds() / 60))
        for sent in known.sent:
            await desk.notifier.reply(sent, "alert.everything_back", {"minutes": minutes})


async def _all_down(desk: Desk, failed: int, since: datetime, now: datetime) -> None:
    states = "\n".join(
        f"{state.name}: {state.reason or state.state.value}"
        for state in desk.market.health.states()
        if desk.market.providers[state.name].keys
    )
    facts: dict[str, object] = {"count": failed, "since": f"{since:%H:%M:%S}", "states": states}
    number = await desk.db.write(lambda conn: incidents.begin(conn, ALL_DOWN, "all", facts, now))
    sent = await desk.notifier.tell_admins("alert.everything_down", facts)
    await desk.db.write(lambda conn: incidents.remember_sent(conn, number, sent))


async def _limits(desk: Desk) -> None:
    """A limit that fell, as a fact: the lesson of timeouts that were swallowed 429s."""
    for fact in desk.market.health.limit_facts():
        values = {"provider": fact.provider, "now": fact.now_per_minute, "before": fact.before_per_minute}
        await desk.notifier.tell_admins("alert.limit_fell", values)


JOB = Job("outages", "outages", run)
