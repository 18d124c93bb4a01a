"""The job that delivers alerts which another process stored, or which could not be sent at once."""

from functools import partial

from scheduler.context import JobContext
from scheduler.incidents import report
from scheduler.jobs import alerts
from storage.alerts import admin_notices
from tests.scheduler.conftest import Notifications


async def test_stored_notices_and_incidents_are_delivered_once(context: JobContext, notifier: Notifications) -> None:
    now = context.clock.now()
    queue = partial(admin_notices.queue, key="alert.wrong_admin_keys", values={"n": 12}, now=now)
    await context.db.write(queue)
    await report(context, "disk_low", "farthing", {"megabytes": 3, "least": 500}, now)
    for _ in range(2):
        await alerts.run(context)
    assert [text[:2] for text in notifier.texts] == ["🔐 ", "💾 "]
