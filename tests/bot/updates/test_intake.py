"""The intake over a real database: order per chat, the `now` lane, joined parts, the commits that it takes."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from bot.updates import merging
from storage.database.connection import Connection
from storage.database.database import Database
from tests.bot.updates.intakes import ANN, BAO, Handled, intake, message, states, until

pytestmark = pytest.mark.usefixtures("short_join")


async def test_messages_of_a_chat_are_handled_in_order_and_once(db: Database, handled: Handled) -> None:
    work = intake(db, handled)
    await work.store([message(3), message(1), message(2)])
    await work.store([message(2)])
    await work.finish()
    assert handled.numbers == [1, 2, 3]
    assert await states(db) == [(1, "done"), (2, "done"), (3, "done")]


async def test_busy_chat_delays_neither_other_chats_nor_payments_nor_stop(db: Database, handled: Handled) -> None:
    handled.busy = {ANN}
    work = intake(db, handled)
    await work.store([message(1), message(2), message(3, chat=BAO)])
    await work.store([message(4, "", successful_payment={}), message(5, "/stop@bot now"), {"update_id": 6}])
    await until(lambda: {1, 3, 4, 5, 6} <= set(handled.numbers))
    assert 2 not in handled.numbers
    handled.free.set()
    await work.finish()
    assert 2 in handled.numbers


async def test_stop_waits_for_no_task_that_has_just_ended(db: Database, handled: Handled) -> None:
    async def end() -> None:
        work._tasks.add(asyncio.current_task())  # type: ignore[arg-type]

    work = intake(db, handled)
    ended, stopped = asyncio.create_task(end()), asyncio.create_task(work.finish())
    ended.add_done_callback(work._tasks.discard)  # called a turn of the loop after `finish` has seen the task
    await asyncio.wait_for(stopped, 60)


async def test_failing_handler_blocks_nothing(db: Database, handled: Handled) -> None:
    handled.fails = {1}
    work = intake(db, handled)
    await work.store([message(1), message(2)])
    await work.finish()
    assert handled.numbers == [1, 2]
    assert await states(db) == [(1, "done"), (2, "done")]


async def test_parts_of_a_paste_are_one_update(db: Database, handled: Handled) -> None:
    work = intake(db, handled)
    await work.store([message(1, "x" * 4096), message(2, "y"), message(3, "z")])
    await work.finish()
    texts = [update["message"]["text"] for update in handled.updates]
    assert texts == ["x" * 4096 + "y", "z"]
    assert await states(db) == [(1, "done"), (2, "done"), (3, "done")]


async def test_parts_in_emoji_are_joined_too(db: Database, handled: Handled) -> None:
    work = intake(db, handled)
    await work.store([message(1, "🙂" * 1800), message(2, "y")])
    await work.finish()
    assert [update["message"]["text"] for update in handled.updates] == ["🙂" * 1800 + "\ny"]


async def test_album_is_one_update(db: Database, handled: Handled) -> None:
    work = intake(db, handled)
    await work.store([message(1, "", media_group_id="g"), message(2, "", media_group_id="g"), message(3)])
    await work.finish()
    assert handled.numbers == [1, 3]
    assert len(handled.updates[0]["message"][merging.ALBUM]) == 1


async def test_closed_intake_stores_and_leaves_the_rest(db: Database, handled: Handled) -> None:
    work = intake(db, handled)
    work.close()
    await work.store([message(1), {"update_id": 2}])
    await work.finish()
    assert handled.numbers == []
    assert await states(db) == [(1, "new"), (2, "new")]


async def test_forward_waits_for_its_comment_and_a_comment_for_its_forward(db: Database, handled: Handled) -> None:
    moment: dict[str, Any] = {"date": 100}
    forward = {**moment, "forward_origin": {"type": "hidden_user", "sender_user_name": "Eve", "date": 1}}
    made = intake(db, handled, wait_seconds=0.01)
    await made.store([message(1, "what does this mean?", **moment), message(2, "the tide", **forward)])
    await made.store([message(3, "the sea", BAO, **forward), message(4, "and this?", BAO, **moment)])
    await made.finish()
    messages = [update["message"] for update in handled.updates]
    assert {said["text"]: [each["text"] for each in said[merging.ALBUM]] for said in messages} == {
        "what does this mean?": ["the tide"],
        "and this?": ["the sea"],
    }
    assert sorted(handled.numbers) == [1, 3]
    assert await states(db) == [(number, "done") for number in (1, 2, 3, 4)]


@pytest.fixture
def commits(db: Database, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return the list of units that the database has begun to commit."""
    taken, write = list[object](), db.write

    async def noted(unit: Callable[[Connection], Any]) -> Any:
        taken.append(unit)
        return await write(unit)

    monkeypatch.setattr(db, "write", noted)
    return taken


async def test_look_for_remains_commits_nothing_where_there_are_none(
    db: Database, handled: Handled, commits: list[object]
) -> None:
    work = intake(db, handled)
    await work.take_up()
    commits.clear()
    assert await work.take_up() == 0
    assert commits == []


async def test_message_takes_two_commits(db: Database, handled: Handled, commits: list[object]) -> None:
    work = intake(db, handled)
    await work.store([message(1)])
    await work.finish()
    assert len(commits) == 2  # it is stored and claimed; finished, with a look for the chat's next one


async def test_answered_message_takes_one_commit_of_the_intake(
    db: Database, handled: Handled, commits: list[object]
) -> None:
    handled.finishes_in, work = db.write, intake(db, handled)
    await work.store([message(1)])
    await work.finish()
    assert len(commits) == 2  # it is stored and claimed; the answer's own commit finishes it
    assert await states(db) == [(1, "done")]


async def test_message_handled_while_the_intake_closes_is_finished(db: Database, handled: Handled) -> None:
    handled.busy = {ANN}
    work = intake(db, handled)
    await work.store([message(1), message(2)])
    await until(lambda: handled.numbers == [1])
    work.close()
    handled.free.set()
    await work.finish()
    assert await states(db) == [(1, "done"), (2, "new")]
