from functools import partial

from engine.catalog.offers import Offer
from engine.catalog.token_sizes import TokenSizes
from scheduler.context import JobContext
from scheduler.jobs import learned_sizes
from storage.operations.learned_sizes import load


async def test_sizes_of_the_catalog_are_stored(context: JobContext) -> None:
    sizes = TokenSizes()
    await context.db.read(partial(load, sizes=sizes))
    before = sizes.dump()
    context.market.catalog.sizes.learn_output(Offer("deepseek", "m"), "auto", 1, 100, (300, 200))
    await learned_sizes.run(context)
    await context.db.read(partial(load, sizes=sizes))
    assert sizes.dump() == context.market.catalog.sizes.dump() != before
