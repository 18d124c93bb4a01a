"""A scheduled prompt in the whole program: saved in the chat, started by the job, answered and charged once."""

from main.front_ends import job_context
from scheduler.jobs import every
from storage.database.connection import Connection, ms
from tests.journeys.conftest import ANN, Journey


async def test_scheduled_prompt_is_answered_by_the_running_bot_once(journey: Journey) -> None:
    assert "Next: " in await journey.ask("/every 2 hours tell me about the sea")
    await journey.press("Save")
    await journey.idle()
    now = ms(journey.container.clock.now())
    await journey.container.db.write(lambda conn: conn.run("UPDATE scheduled_prompts SET next_at = :now", now=now))
    context = job_context(journey.container, journey.bot)
    for _ in range(2):
        await every.run(context)
    answer = await journey.sandbox.world.wait_message(
        ANN, lambda m: str(m.get("text", "")).startswith("⏰ Every 2 hours: ")
    )
    assert "stand-in" in answer["text"]
    await journey.idle()
    assert len(await journey.rows("SELECT 1 AS one FROM attempts WHERE kept")) == 1
    assert (await journey.rows("SELECT runs FROM scheduled_prompts"))[0]["runs"] == 1
    await journey.check_books()


async def test_scheduled_prompt_of_an_empty_account_is_skipped_with_a_word(journey: Journey) -> None:
    await journey.ask("/every 2 hours tell me about the sea")
    await journey.press("Save")
    await journey.idle()
    now = ms(journey.container.clock.now())

    def spend_all(conn: Connection) -> None:
        conn.run("UPDATE scheduled_prompts SET next_at = :now", now=now)
        conn.run("UPDATE accounts SET allowance_used_tokens = allowance_tokens")

    await journey.container.db.write(spend_all)
    await every.run(job_context(journey.container, journey.bot))
    word = await journey.sandbox.world.wait_message(ANN, lambda m: "Skipped" in str(m.get("text", "")))
    assert word["text"].startswith("⏰ Every 2 hours")
    await journey.idle()
    assert await journey.rows("SELECT 1 AS one FROM attempts") == []
    assert (await journey.rows("SELECT skips FROM scheduled_prompts"))[0]["skips"] == 1
