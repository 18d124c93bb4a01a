from dataclasses import replace

from engine.tenancy import Plan
from scheduler.context import JobContext
from scheduler.jobs import farming
from storage.tenants import tenants
from tests.scheduler.conftest import HandClock, Notebook


async def come(desk: JobContext, number: int, first_id: int) -> None:
    """So many new people of Telegram."""
    free: Plan = next(iter(desk.plans.values()))
    for user in range(first_id, first_id + number):
        await desk.db.write(
            lambda conn, user=user: tenants.create(conn, "", free, now=desk.clock.now(), telegram_user_id=user)  # type: ignore[misc]
        )


async def test_one_burst_is_told_once_though_the_hour_turns(
    desk: JobContext, clock: HandClock, notebook: Notebook
) -> None:
    desk = replace(desk, new_per_hour_alert=10)
    clock.move(minutes=50)
    await come(desk, 12, 5000)
    await farming.run(desk)
    for _ in range(12):
        clock.move(minutes=10)
        await farming.run(desk)
    assert len(notebook.texts) == 1
    assert "12 new accounts" in notebook.texts[0]


async def test_who_goes_on_is_told_of_again_an_hour_later(
    desk: JobContext, clock: HandClock, notebook: Notebook
) -> None:
    desk = replace(desk, new_per_hour_alert=10)
    for burst in range(4):
        await come(desk, 12, 5000 + 100 * burst)
        await farming.run(desk)
        clock.move(minutes=30)
    assert len(notebook.texts) == 2


async def test_few_newcomers_are_told_to_nobody(desk: JobContext, notebook: Notebook) -> None:
    await come(desk, 9, 5000)
    await farming.run(replace(desk, new_per_hour_alert=10))
    await farming.run(replace(desk, new_per_hour_alert=0))
    assert notebook.texts == []
