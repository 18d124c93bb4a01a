from datetime import timedelta

from scheduler.context import JobContext
from scheduler.jobs import audit
from storage.database.connection import Connection
from storage.operations.audit import audited_point
from tests.scheduler.conftest import HandClock, Notifications
from tests.storage.books import DOUBLE, hold_request, pay, take, tenant


def captured_answer(conn: Connection) -> int:
    asked = hold_request(tenant(conn, "1"), tariff=DOUBLE)
    pay(conn, asked, take(conn, asked))
    return asked.tenant_id


async def test_clean_audit_is_silent_and_moves_the_audited_point(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    await context.db.write(captured_answer)
    clock.move(hours=1)
    await audit.run(context)
    assert notifier.texts == []
    assert (await context.db.read(audited_point)).transfer == 2


async def test_problem_is_reported_once_a_day_and_the_point_stays(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    owner = await context.db.write(captured_answer)
    spoil = "UPDATE accounts SET balance_nanousd = balance_nanousd + 1 WHERE tenant_id = :id"
    await context.db.write(lambda conn: conn.run(spoil, id=owner))
    clock.move(hours=1)
    for _ in range(3):
        await audit.run(context)
    assert len(notifier.texts) == 1
    assert (await context.db.read(audited_point)).transfer == 0
    clock.at += timedelta(days=1)
    await audit.run(context)
    assert len(notifier.texts) == 2
