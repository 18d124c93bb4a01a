"""Rare events of a simulated day: clocks set, leaders frozen, offers removed, keys replaced, alerts muted."""

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from engine.catalog.offers import Offer
from storage.alerts import alert_messages, incidents
from storage.database.connection import Connection
from storage.database.leases import LEASE_SECONDS
from tests.scheduler.days.chat_log import ADMINS
from tests.scheduler.days.weather import (
    CLOCK,
    DOWN,
    FREEZE,
    MUTE,
    REMOVED,
    RESTART,
    RESTORED,
    SOFT,
    TELEGRAM,
    UNBLOCKED,
    Interruption,
    Intervention,
    Trouble,
    Weather,
)

if TYPE_CHECKING:
    from tests.scheduler.days.service import Day


def worst(weather: Weather, chance: random.Random, offers: Sequence[Offer], hours: float, start: float) -> Weather:
    """Return the weather with all that comes seldom: clocks that are set, offers that are removed, replaced keys.

    Some outages begin in the same second, and some while Telegram is gone for ten minutes.
    """
    end = start + 3600 * hours - 1800
    hard = [each for each in weather.troubles if each.kind not in SOFT and each.begins < end]
    together = [
        Trouble(DOWN, chance.choice(offers).provider, each.begins, each.ends) for each in hard if chance.random() < 0.2
    ]
    away = [Interruption(TELEGRAM, each.begins - 60, each.begins + 540) for each in hard[:: max(1, len(hard) // 3)]]
    acts, at = [], start + chance.uniform(1200, 3600)
    while at < end:
        acts += _acts(chance, hard, at)
        at += chance.uniform(2400, 6000)
    others = random.Random(chance.random())
    acts += [
        Intervention(FREEZE, each.begins + others.uniform(0, 60), value=others.choice([6, 15, 90]))
        for each in hard[::2]
    ]
    acts += [Intervention(MUTE, (each.begins + each.ends) / 2) for each in hard[::5]]
    acts.append(Intervention(UNBLOCKED, others.uniform(start, end)))
    return Weather([*weather.troubles, *together], weather.low_balance, [*weather.interruptions, *away], acts)


def _acts(chance: random.Random, hard: Sequence[Trouble], at: float) -> list[Intervention]:
    if chance.random() < 0.5:
        wrong = chance.choice([-3, -1, 2, 5]) * 3600
        return [Intervention(CLOCK, at, value=wrong), Intervention(CLOCK, at + chance.uniform(600, 2400))]
    during = [each for each in hard if each.begins + 60 < at + 3600 and each.ends > at]
    if not during:
        return [Intervention(RESTART, at)]
    trouble = during[0]
    middle = max(at, (trouble.begins + trouble.ends) / 2)
    if "/" in trouble.subject:
        return [Intervention(REMOVED, middle, trouble.subject), Intervention(RESTORED, middle + 1800, trouble.subject)]
    return [Intervention(RESTART, middle)]


async def intervene(day: "Day", act: Intervention) -> None:
    await asyncio.sleep(act.at - asyncio.get_running_loop().time())
    if act.kind == CLOCK:
        day.clock.ahead_seconds = act.value
        return
    if act.kind in _SMALL:
        await _SMALL[act.kind](day, act)
        return
    if act.kind == REMOVED:
        day.removed.add(act.subject)
    elif act.kind == RESTORED:
        day.removed.discard(act.subject)
    await _replace_all(day)


async def _freeze(day: "Day", act: Intervention) -> None:
    """Stop the leading clock of several, and wake it."""
    leader = next((each for each in day.processes if each.leads), None)
    if leader is None or not day.replicas:
        return
    began = asyncio.get_running_loop().time()
    leader.ports.awake.clear()
    await asyncio.sleep(act.value)
    leader.ports.awake.set()
    day.downtimes.append((began, began + min(act.value, LEASE_SECONDS) + LEADER_TAKES_SECONDS))


async def _mute(day: "Day", _: Intervention) -> None:
    def mute(conn: Connection) -> None:
        ids = [each.id for each in incidents.all_open(conn)]
        incidents.mute(conn, ids, day.clock.now() + timedelta(hours=1))

    await day.db.write(mute)


async def _unblock(day: "Day", _: Intervention) -> None:
    day.telegram.blocked_by = frozenset()
    await day.db.write(lambda conn: alert_messages.retry_lost(conn, ADMINS[1]))


_SMALL = {FREEZE: _freeze, MUTE: _mute, UNBLOCKED: _unblock}
LEADER_TAKES_SECONDS = 4.0


async def _replace_all(day: "Day") -> None:
    began, victims = asyncio.get_running_loop().time(), list(day.processes)
    day.processes.clear()
    for each in victims:
        await each.kill()
    await asyncio.sleep(2)
    while day.db.is_gone:
        await asyncio.sleep(1)
    for each in victims:
        await day.enter(each.successor())
    day.downtimes.append((began, asyncio.get_running_loop().time() + (9 if day.replicas else 1)))
