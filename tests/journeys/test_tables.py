"""Tables as rich messages: users who enabled them get them, with at least the text of the ordinary message."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bot.delivery.courier import Courier
from bot.formatting import rich
from sandbox.app import Sandbox
from sandbox.telegram import methods
from sandbox.telegram.refusals import refuse
from tests.journeys.conftest import ANN, BAO, GROUP_ID, Journey, labels, started

LONG = "please tell me at length about the sea"


def rich_blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = message["rich_message"]["blocks"]
    return blocks


AS_TEXT = ("Show as text", "Hiện dạng chữ")


def key(message: dict[str, Any]) -> dict[str, Any]:
    """Return the button that shows the plain text."""
    rows = message["reply_markup"]["inline_keyboard"]
    found: dict[str, Any] = next(button for row in rows for button in row if button["text"] in AS_TEXT)
    return found


async def switch_tables_on(journey: Journey, user: int = ANN) -> None:
    await journey.ask("/settings", user)
    await journey.press("Rich tables" if user == ANN else "bảng kẻ ô", user)
    await journey.idle()


async def ask(journey: Journey, user: int = ANN, chat: int = ANN, text: str = LONG) -> list[dict[str, Any]]:
    """Send a text. Return the bot's messages after it, once all are sent."""
    before = {message["message_id"] for message in journey.sandbox.world.messages(chat)}
    journey.sandbox.world.say(chat, user, text)
    await journey.sandbox.world.wait_message(chat, lambda message: message["message_id"] not in before)
    await journey.idle()
    said = journey.sandbox.world.messages(chat)
    return [m for m in said if m["message_id"] not in before and m["from"]["id"] == journey.sandbox.world.bot["id"]]


def calls(journey: Journey, name: str) -> list[dict[str, Any]]:
    return [params for called, params in journey.sandbox.world.calls if called == name]


async def test_table_is_a_rich_message_where_switched_on(journey: Journey) -> None:
    await switch_tables_on(journey)
    assert "rich messages (needs a recent app): on" in journey.sandbox.world.messages(ANN)[-1]["text"]
    (message,) = await ask(journey)
    (table,) = (block for block in rich_blocks(message) if block["type"] == "table")
    assert table["cells"][1][0]["text"] == "DeepSeek"
    assert "text" not in message
    assert key(message)["text"] == "Show as text"
    (kept,) = await journey.rows("SELECT parts FROM messages WHERE role = 'assistant'")
    assert "| provider | state |" in kept["parts"]
    await journey.check_books()


async def test_table_is_an_ordinary_message_by_default(journey: Journey) -> None:
    (message,) = await ask(journey)
    assert "provider" in message["text"]
    assert calls(journey, "sendRichMessage") == []


async def test_answer_without_a_table_is_an_ordinary_message(journey: Journey) -> None:
    await switch_tables_on(journey)
    (message,) = await ask(journey, text="Hello")
    assert "stand-in" in message["text"]
    assert set(labels(message)).isdisjoint(AS_TEXT)


async def test_switch_is_explained_in_vietnamese(journey: Journey) -> None:
    await switch_tables_on(journey, BAO)
    assert "bảng" in journey.sandbox.world.messages(BAO)[-1]["text"].lower()
    (message,) = await ask(journey, BAO, BAO)
    assert key(message)["text"] == "Hiện dạng chữ"


@pytest.mark.parametrize("why", ["rich_text", "rich_content", "no_method"])
async def test_refused_rich_message_is_sent_as_an_ordinary_one(
    journey: Journey, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    async def refusing(*_: Any) -> Any:
        raise refuse(why)

    monkeypatch.setitem(methods.METHODS, "sendrichmessage", refusing)
    await switch_tables_on(journey)
    (message,) = await ask(journey)
    assert "provider" in message["text"]
    assert len(calls(journey, "sendRichMessage")) == 1
    assert len(await journey.rows("SELECT * FROM holds WHERE state = 'captured'")) == 1
    await journey.check_books()


async def test_button_shows_the_plain_text_with_its_footer(journey: Journey) -> None:
    await journey.ask("/settings")
    await journey.press("Footer")
    await journey.idle()
    await switch_tables_on(journey)
    (message,) = await ask(journey)
    assert "DeepSeek" in str(rich_blocks(message)[-1])
    for _ in range(2):
        journey.sandbox.world.press(ANN, ANN, message["message_id"], key(message)["callback_data"])
    await journey.sandbox.world.wait_message(
        ANN, lambda m: m["message_id"] == message["message_id"] and "provider" in m.get("text", "")
    )
    await journey.idle()
    last = journey.sandbox.world.messages(ANN)[-1]
    assert last["message_id"] == message["message_id"]
    assert {"pre", "bold", "italic"} <= {entity["type"] for entity in last["entities"]}
    assert last["text"].endswith(" s")
    assert "rich_message" not in last
    assert "reply_markup" not in last
    assert len(await journey.rows("SELECT * FROM holds WHERE state = 'captured'")) == 1
    await journey.check_books()


async def test_group_placeholder_becomes_the_table_and_only_the_asker_may_change_it(journey: Journey) -> None:
    await switch_tables_on(journey)
    (message,) = await ask(journey, ANN, GROUP_ID, f"/ask {LONG}")
    assert any(block["type"] == "table" for block in rich_blocks(message))
    assert any("rich_message" in params for params in calls(journey, "editMessageText"))
    told = asyncio.Queue[dict[str, Any]]()
    journey.sandbox.world.listeners.add(told.put_nowait)
    journey.sandbox.world.press(GROUP_ID, BAO, message["message_id"], key(message)["callback_data"])
    while (event := await told.get())["type"] != "callback_answer":
        continue
    assert event["show_alert"]
    assert "rich_message" in journey.sandbox.world.chats[GROUP_ID].messages[message["message_id"]]


async def test_placeholder_becomes_the_ordinary_message_after_a_refusal(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit = methods.METHODS["editmessagetext"]

    async def refusing(world: Any, params: dict[str, Any]) -> Any:
        if "rich_message" in params:
            raise refuse("rich_text")
        return await edit(world, params)

    monkeypatch.setitem(methods.METHODS, "editmessagetext", refusing)
    await switch_tables_on(journey)
    (message,) = await ask(journey, ANN, GROUP_ID, f"/ask {LONG}")
    assert "provider" in message["text"]


async def test_content_over_the_limits_follows_in_ordinary_messages(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rich, "_BLOCK_UNITS", 730)
    await switch_tables_on(journey)
    first, second = await ask(journey)
    assert any(block["type"] == "table" for block in rich_blocks(first))
    assert second["text"].startswith("Now pull")
    journey.sandbox.world.press(ANN, ANN, first["message_id"], key(first)["callback_data"])
    await journey.sandbox.world.wait_message(ANN, lambda m: "provider" in m.get("text", "") and "python" in str(m))
    await journey.idle()
    *_, words, rest = journey.sandbox.world.messages(ANN)
    assert words["message_id"] == first["message_id"]
    assert "Now pull" not in words["text"]
    assert rest == second


async def test_question_about_a_rich_message_includes_its_text(journey: Journey) -> None:
    await switch_tables_on(journey)
    (message,) = await ask(journey, ANN, GROUP_ID, f"/ask {LONG}")
    await journey.ask("/new", ANN, GROUP_ID)
    journey.sandbox.world.say(GROUP_ID, BAO, "/ask and what is this about?", reply_to=message["message_id"])
    while not (asked := await journey.rows("SELECT parts FROM messages WHERE role = 'user' AND parts LIKE '%about?%'")):
        await asyncio.sleep(0.01)
    assert "DeepSeek | up" in asked[0]["parts"]
    await journey.idle()


async def test_forwarded_rich_message_is_a_question(journey: Journey) -> None:
    blocks = [{"type": "paragraph", "text": ["what is ", {"type": "bold", "text": "tea"}, ", at length?"]}]
    journey.sandbox.world.say(ANN, ANN, "", rich_message={"blocks": blocks})
    await journey.sandbox.world.wait_message(ANN, lambda message: "what is tea" in message.get("text", ""))
    await journey.idle()


async def test_answer_of_another_person_cannot_be_read_by_its_number(journey: Journey) -> None:
    await switch_tables_on(journey)
    (message,) = await ask(journey)
    number = key(message)["callback_data"].split(":")[2]
    stolen = f"settings:text:{number}:{BAO}"
    help_text = await ask(journey, BAO, BAO, "/help")
    help_text[-1]["reply_markup"] = {"inline_keyboard": [[{"text": "button", "callback_data": stolen}]]}
    journey.sandbox.world.press(BAO, BAO, help_text[-1]["message_id"], stolen)
    while journey.sandbox.world.updates.pending:
        await asyncio.sleep(0.01)
    await journey.idle()
    assert all("stand-in" not in m.get("text", "") for m in journey.sandbox.world.messages(BAO))


async def test_deleted_answer_is_reported(journey: Journey) -> None:
    await switch_tables_on(journey)
    (message,) = await ask(journey)
    await journey.container.db.write(lambda conn: conn.run("DELETE FROM messages"))
    told = asyncio.Queue[dict[str, Any]]()
    journey.sandbox.world.listeners.add(told.put_nowait)
    journey.sandbox.world.press(ANN, ANN, message["message_id"], key(message)["callback_data"])
    while (event := await told.get())["type"] != "callback_answer":
        continue
    assert "no longer stored" in event["text"]


async def test_process_killed_between_charge_and_sending_leaves_the_table_to_the_next_process(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_called = asyncio.Event()

    async def killed(*_: Any) -> None:
        send_called.set()

    # The patch must last as long as the first process, whose handler calls `send` some time after the commit.
    with monkeypatch.context() as first_process:
        async with started(tmp_path, sandbox) as first:
            await switch_tables_on(first)
            first_process.setattr(Courier, "send", killed)
            sandbox.world.say(ANN, ANN, LONG)
            await send_called.wait()
            assert await first.rows("SELECT * FROM outbox WHERE state = 'new'") != []
    assert calls(first, "sendRichMessage") == []
    async with started(tmp_path, sandbox) as second:
        await sandbox.world.wait_message(ANN, lambda message: "rich_message" in message)
        await second.idle()
        (call,) = calls(second, "sendRichMessage")
        assert "<table" in json.loads(call["rich_message"])["html"]
        assert len(await second.rows("SELECT * FROM holds WHERE state = 'captured'")) == 1
        await second.check_books()
