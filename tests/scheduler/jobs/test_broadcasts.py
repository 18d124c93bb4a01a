import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot.notify import translated
from engine.tenancy import Plan
from locales.button import Button
from scheduler.context import JobContext
from scheduler.jobs import broadcasts, tenant_notices
from scheduler.ports import Sent
from storage.alerts.admin_notices import Undelivered
from storage.billing.subscriptions import Subscription
from storage.database.connection import Connection
from storage.reports.usage import UsageSpan
from storage.telegram import broadcasts as stored
from storage.telegram.broadcasts import Broadcast
from storage.tenants import tenants
from tests.scheduler.conftest import ADMIN, NOW, HandClock, Notifications


class NoStars:
    """An empty list of Star transactions, which shows only that a bot is running."""

    bot_id = 1

    async def page(self, _: int) -> list[Any]:
        return []

    async def cancel(self, *_: Subscription | int) -> bool | None:
        return None


@dataclass
class Partial(Notifications):
    """A notifier that doesn't reach some users: those of `refused` for good, those of `offline` for now."""

    refused: frozenset[int] = frozenset()
    offline: frozenset[int] = frozenset()

    async def deliver(
        self,
        user_id: int,
        key: str,
        values: Mapping[str, object],
        buttons: Sequence[Button] = (),
        *,
        reply_to: int | None = None,
        chart: UsageSpan | None = None,
    ) -> Sent | Undelivered:
        if user_id in self.offline | self.refused:
            return Undelivered.REFUSED if user_id in self.refused else Undelivered.UNREACHABLE
        return await super().deliver(user_id, key, values, buttons, reply_to=reply_to, chart=chart)


async def sent(context: JobContext) -> None:
    await broadcasts.run(context)
    await tenant_notices.run(context)


def told(notifier: Notifications) -> list[int]:
    return [chat for chat, _ in notifier.messages]


async def drafted(context: JobContext, users: int) -> int:
    free: Plan = context.plans["free"]

    def unit(conn: Connection) -> int:
        for user in range(5000, 5000 + users):
            tenants.create(conn, "", free, now=NOW, telegram_user_id=user)
        made = stored.draft(conn, "maintenance tonight", ADMIN, NOW)
        stored.decide(conn, made, "sending")
        return made

    return await context.db.write(unit)


async def test_every_user_gets_the_text_once_and_the_author_the_result(context: JobContext) -> None:
    notifier = Partial(refused=frozenset({5001}))
    context = replace(context, notifier=notifier, stars=NoStars())
    await drafted(context, 3)
    for _ in range(2):
        await sent(context)
    assert told(notifier) == [5000, 5002, ADMIN]
    assert "maintenance tonight" in notifier.texts[0]
    assert "2 got it" in notifier.texts[2]
    assert "1 could not be reached" in notifier.texts[2]


async def test_no_user_is_missed_while_telegram_can_not_be_reached(context: JobContext) -> None:
    notifier = Partial(offline=frozenset(range(5001, 5010)))
    context = replace(context, notifier=notifier, stars=NoStars())
    await drafted(context, 6)
    for _ in range(2):
        await sent(context)
    assert told(notifier) == [5000]
    notifier.offline = frozenset({5002})
    await sent(context)
    assert told(notifier) == [5000, 5001, 5003, 5004, 5005, ADMIN]
    assert "1 could not be reached" in notifier.texts[-1]


async def test_last_users_who_can_not_be_reached_are_missed_after_a_day(context: JobContext, clock: HandClock) -> None:
    notifier = Partial(offline=frozenset({5001}))
    context = replace(context, notifier=notifier, stars=NoStars())
    await drafted(context, 2)
    await sent(context)
    assert told(notifier) == [5000]
    clock.move(days=1)
    await sent(context)
    assert told(notifier) == [5000, ADMIN]


async def test_stopped_process_leaves_the_rest_to_the_next(context: JobContext, notifier: Notifications) -> None:
    context = replace(context, stars=NoStars())
    await drafted(context, 2)
    context.stopping.set()
    await sent(context)
    assert notifier.texts == []
    await sent(replace(context, stopping=asyncio.Event()))
    assert told(notifier) == [5000, 5001, ADMIN]


async def test_broadcast_continues_with_the_next_user_after_a_crash(
    context: JobContext, notifier: Notifications
) -> None:
    context = replace(context, stars=NoStars())
    number = await drafted(context, 3)
    first = (await context.db.read(lambda conn: stored.next_recipients(conn, 0, 1)))[0][0]
    await context.db.write(lambda conn: stored.record_delivery(conn, number, first, arrived=True))
    await sent(context)
    assert told(notifier) == [5001, 5002, ADMIN]


async def test_chunks_are_separated_by_a_pause(
    context: JobContext, notifier: Notifications, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("asyncio.sleep", sleep)
    monkeypatch.setattr(broadcasts, "CHUNK", 2)
    context = replace(context, stars=NoStars())
    await drafted(context, 5)
    await sent(context)
    assert len(notifier.messages) == 6
    assert [seconds for seconds in pauses if seconds] == [broadcasts.PAUSE_SECONDS] * 2


async def test_without_a_bot_nothing_is_sent(context: JobContext, notifier: Notifications) -> None:
    await drafted(context, 1)
    await broadcasts.run(context)
    assert notifier.texts == []


def test_missed_people_are_named_and_the_rest_is_counted() -> None:
    done = Broadcast(1, "Hello", 9, "done", 7, 5, 3, (1, 2), NOW)
    values = broadcasts.done_values(done, ["Ann", "*Bao*"])
    assert translated("en", values["missed"]) == " 3 could not be reached: `Ann`, `*Bao*` + 1."
    assert broadcasts.done_values(replace(done, missed=0, missed_ids=()), [])["missed"] == ""
