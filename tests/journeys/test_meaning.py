"""The model gets all that a person refers to: replies, quotes, forwards, mentions, files; in the whole program."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.app import Sandbox
from tests.bot.contexts import bot_texts, text
from tests.documents.reading import files
from tests.journeys.conftest import ANN, BAO, GROUP_ID, Journey, started

BOT_NAME = "farthing_sandbox_bot"


@pytest.fixture
async def waiting(tmp_path: Path, sandbox: Sandbox) -> AsyncIterator[Journey]:
    """Yield a journey whose bot waits for the other messages of a question."""
    async with started(tmp_path, sandbox, wait_seconds=1.0) as running:
        yield running


async def asked(journey: Journey, count: int = 1) -> list[str]:
    """Return the texts of the questions that models were asked, once all updates are handled."""
    await journey.idle()
    rows = await journey.rows("SELECT parts FROM messages WHERE role = 'user' ORDER BY id")
    assert len(rows) == count
    return ["".join(part["text"] for part in json.loads(row["parts"])) for row in rows]


def say(journey: Journey, words: str, chat: int = ANN, user: int = ANN, **more: Any) -> dict[str, Any]:
    return journey.sandbox.world.say(chat, user, words, **more)


def document(journey: Journey, data: bytes, name: str) -> dict[str, Any]:
    file_id = journey.sandbox.world.keep_file(name, "", data)
    return {"document": {"file_id": file_id, "file_unique_id": file_id, "file_size": len(data), "file_name": name}}


async def test_ask_in_reply_to_another_persons_file_in_a_group_reads_it(journey: Journey) -> None:
    shown = say(
        journey, "", GROUP_ID, BAO, caption="minutes", **document(journey, files.word("We meet at noon"), "m.docx")
    )
    say(journey, "/ask When do we\nmeet?", GROUP_ID, reply_to=shown["message_id"])
    assert await asked(journey) == [
        "[Message of Bao, which is replied to:]\n> minutes\n\n[File m.docx:]\nWe meet at noon\n\nAnn: When do we\nmeet?"
    ]
    await journey.check_books()


async def test_ask_in_the_caption_of_a_file_is_a_question(journey: Journey) -> None:
    content = document(journey, "Größe: 5".encode("cp1252"), "notes")
    say(journey, "", GROUP_ID, caption="/ask what is it?", **content)
    assert await asked(journey) == ["Ann: what is it?\n\n[File notes:]\nGröße: 5"]


async def test_name_that_only_begins_with_the_bots_is_not_answered(journey: Journey) -> None:
    say(journey, f"ask @{BOT_NAME[:-1]}x or @{BOT_NAME}any", GROUP_ID)
    assert await asked(journey, 0) == []
    say(journey, f"@{BOT_NAME} hello there", GROUP_ID)
    assert await asked(journey) == ["Ann: hello there"]


@pytest.mark.parametrize("comment_first", [True, False])
async def test_forward_and_its_comment_are_one_question(waiting: Journey, comment_first: bool) -> None:
    origin = {"type": "hidden_user", "sender_user_name": "Eve", "date": 1}
    parts: list[tuple[str, dict[str, Any]]] = [
        ("is this true?", {}),
        ("The sea is dry.", {"forward_origin": origin}),
    ]
    for words, more in parts if comment_first else parts[::-1]:
        say(waiting, words, **more)
        await asyncio.sleep(0.02)
    assert await asked(waiting) == ["[Forwarded message of Eve:]\n> The sea is dry.\n\nis this true?"]
    await waiting.check_books()


async def test_selected_quote_of_another_chat_is_part_of_the_question(journey: Journey) -> None:
    channel = {"id": -1007, "type": "channel", "title": "Tide news"}
    outside = {"origin": {"type": "channel", "chat": channel, "message_id": 3, "date": 1}, "chat": channel}
    say(journey, "why?", external_reply=outside, quote={"text": "high at noon", "position": 4})
    assert await asked(journey) == ["[The selected part of it:]\n> high at noon\n\nwhy?"]


async def test_answer_from_before_a_new_conversation_is_part_of_the_question(journey: Journey) -> None:
    await journey.ask("tell me about the sea")
    await journey.idle()
    answer = journey.sandbox.world.messages(ANN)[-1]
    await journey.ask("/new")
    say(journey, "shorter, please", reply_to=answer["message_id"])
    first, second = await asked(journey, 2)
    assert first == "tell me about the sea"
    assert second.startswith("[Earlier message of yours, which is replied to:]\n> ")
    assert second.endswith("\n\nshorter, please")


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ({"video": {"file_id": "v", "file_unique_id": "v", "width": 9, "height": 9, "duration": 5}}, "unseen_video"),
        ({"paid_media": {"star_count": 1, "paid_media": []}}, "unseen_paid_media"),
        ({"story": {"id": 1, "chat": {"id": -1007, "type": "channel", "title": "Tide news"}}}, "unseen_story"),
    ],
)
async def test_what_can_not_be_seen_is_refused_and_costs_nothing(
    journey: Journey, content: dict[str, Any], key: str
) -> None:
    say(journey, "", caption="what is it?", **content)
    assert await asked(journey, 0) == []
    assert bot_texts(journey) == [text(f"chat.{key}")]
    assert await journey.rows("SELECT * FROM holds") == []


async def test_locked_file_is_refused_and_a_scan_is_seen(journey: Journey) -> None:
    say(journey, "", **document(journey, files.pdf("secret words", password="k"), "a.pdf"))
    await journey.idle()
    assert bot_texts(journey) == [text("chat.file_locked")]
    assert await journey.rows("SELECT * FROM holds") == []
    say(journey, "", caption="read it", **document(journey, files.scan(2), "scan.pdf"))
    assert await asked(journey) == ["read it\n\n[File scan.pdf, as pictures of its pages:][image][image]"]
    await journey.check_books()


async def test_contact_is_told_in_words(journey: Journey) -> None:
    say(journey, "", contact={"first_name": "Bo", "phone_number": "+1"})
    assert await asked(journey) == ["[Contact: Bo, +1]"]


async def test_file_of_200_kb_is_within_the_free_plan(journey: Journey) -> None:
    data = b"The tide comes in and goes out, and the sea stays where it is, more or less.\n" * 2500
    say(journey, "", caption="sum it up", **document(journey, data, "sea.txt"))
    (question,) = await asked(journey)
    assert len(question) > 190_000
    await journey.check_books()


async def test_file_over_the_limit_is_read_in_part_and_both_are_told(journey: Journey) -> None:
    say(journey, "", caption="sum it up", **document(journey, b"tide " * 50_000, "sea.txt"))
    (question,) = await asked(journey)
    assert "[File sea.txt, only the first 200000 characters of it:]" in question
    assert "I read the first 200,000 characters of sea.txt" in bot_texts(journey)[0]


async def test_photo_and_the_question_sent_after_it_are_one_question(waiting: Journey) -> None:
    photo = waiting.sandbox.world.keep_file("cat.jpg", "image/jpeg", files.picture("JPEG"))
    say(waiting, "", photo=[{"file_id": photo, "file_unique_id": photo, "width": 8, "height": 8, "file_size": 99}])
    await asyncio.sleep(0.02)
    say(waiting, "what is on it?")
    await waiting.idle()
    [question] = await waiting.rows("SELECT parts FROM messages WHERE role = 'user'")
    assert json.loads(question["parts"]) == [{"text": "what is on it?"}, {"text": "[image]"}]

    await waiting.check_books()
