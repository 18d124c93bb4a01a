from scheduler.context import JobContext
from scheduler.jobs import rollups
from storage.reports.rollups import last_committed, watermark
from tests.scheduler.conftest import Journal


async def test_all_committed_attempts_are_rolled_up(context: JobContext, journal: Journal) -> None:
    await journal.answered("deepseek", 3)
    assert await context.db.read(watermark) == 0
    await rollups.run(context)
    assert await context.db.read(watermark) == await context.db.write(last_committed) > 0
