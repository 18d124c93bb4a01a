from functools import partial

from engine.catalog.offers import Offer
from engine.catalog.token_counts import measure
from engine.catalog.token_sizes import TokenSizes
from engine.chat import ChatRequest, Role, says
from storage.database.database import Database
from storage.operations import learned_sizes

OFFER = Offer("deepseek", "deepseek/with/slashes")
PROSE = measure(ChatRequest("1", "auto", (says(Role.USER, "How high is the mountain? " * 40),)))


async def test_learned_sizes_survive_a_restart(db: Database) -> None:
    before, after = TokenSizes(), TokenSizes()
    for _ in range(150):
        before.learn_input(OFFER, PROSE, round(PROSE.tokens * 1.3))
        before.learn_output(OFFER, "auto", 7, 100, (300, 200))
    await db.write(partial(learned_sizes.save, sizes=before))
    await db.write(partial(learned_sizes.save, sizes=before))
    await db.read(partial(learned_sizes.load, sizes=after))
    assert after.input_tokens(after.of(OFFER), PROSE) == before.input_tokens(before.of(OFFER), PROSE)
    assert after.output_times(after.of(OFFER)) == before.output_times(before.of(OFFER))
    assert after.answer_tokens("auto", None) == before.answer_tokens("auto", None)


async def test_without_a_stored_row_nothing_is_learned(db: Database) -> None:
    sizes = TokenSizes()
    await db.read(partial(learned_sizes.load, sizes=sizes))
    assert sizes.output_times(sizes.of(OFFER)) == 1


async def test_unreadable_row_is_ignored(db: Database) -> None:
    sizes = TokenSizes()
    await db.write(
        lambda conn: conn.run(
            "INSERT INTO watermarks (name, value) VALUES (:n, :v)", n=learned_sizes.NAME, v='{"inputs": 5}'
        )
    )
    await db.read(partial(learned_sizes.load, sizes=sizes))
    assert sizes.input_tokens(sizes.of(OFFER), PROSE)[0] == PROSE.tokens
