"""The content of a question as parts of a prompt."""

import io
from itertools import count
from typing import Any

import pytest
from PIL import Image as Pillow
from telegram import Update

from bot.attachments.content import content_of
from bot.attachments.downloads import Unreadable
from bot.attachments.prompt import Prompt, prompt_of
from bot.context import Context
from bot.questions import records
from engine.chat import Image, Text
from tests.bot.contexts import GROUP, private_message
from tests.documents.reading import files
from tests.journeys.conftest import ANN, Journey

EVE = {"id": 5, "is_bot": False, "first_name": "Eve"}
numbers = count(10**9)
ORIGIN = {"type": "user", "sender_user": EVE, "date": 1}


async def prompt(journey: Journey, message: dict[str, Any], text: str = "", limit: int | None = None) -> Prompt:
    number = next(numbers)
    update = Update.de_json({"update_id": number, "message": {**message, "message_id": number}}, journey.bot.bot)
    context = Context.from_update(update, journey.bot._application)
    assert context.incoming is not None
    assert context.incoming.message is not None
    content = content_of(context.incoming.message, context, text)
    record = await records.store(context, context.incoming.message, content)
    assert record is not None
    return await prompt_of(record, context, limit)


def texts(found: Prompt) -> str:
    return "".join(part.text for part in found.parts if isinstance(part, Text))


def kept(journey: Journey, data: bytes, name: str, kind: str = "") -> dict[str, Any]:
    file_id = journey.sandbox.world.keep_file(name, kind, data)
    about = {"file_id": file_id, "file_unique_id": file_id, "file_size": len(data), "file_name": name}
    return {**about, "mime_type": kind}


def document(journey: Journey, data: bytes, name: str, kind: str = "", **more: Any) -> dict[str, Any]:
    return private_message(None, document=kept(journey, data, name, kind), **more)


def photo(journey: Journey) -> list[dict[str, Any]]:
    return [{**kept(journey, files.picture("JPEG"), "x.jpg"), "width": 90, "height": 60}]


def replying(text: str | None = None, **more: Any) -> dict[str, Any]:
    content = {} if text is None else {"text": text}
    reply = {"message_id": 4, "date": 1, "chat": {"id": ANN, "type": "private"}, "from": EVE, **content, **more}
    return private_message("why?", reply_to_message=reply)


async def test_reply_is_labelled_with_its_author_and_quoted(journey: Journey) -> None:
    found = await prompt(journey, replying("The sea\nis wide."), "why?")
    assert texts(found) == "[Message of Eve, which is replied to:]\n> The sea\n> is wide.\n\nwhy?"


async def test_photo_that_is_replied_to_is_part_of_the_question(journey: Journey) -> None:
    found = await prompt(journey, replying(photo=photo(journey)), "what is it?")
    label, picture, question = found.parts
    assert label == Text("[Message of Eve, which is replied to:]")
    assert isinstance(picture, Image)
    assert (picture.width, picture.height) == (90, 60)
    assert question == Text("\n\nwhat is it?")


async def test_selected_part_and_forward_have_their_labels(journey: Journey) -> None:
    message = replying("The sea is wide.") | {"quote": {"text": "wide", "position": 1, "is_manual": True}}
    assert "[The selected part of it:]\n> wide\n\nwhy?" in texts(await prompt(journey, message, "why?"))
    forward = private_message("The tide", forward_origin=ORIGIN)
    assert texts(await prompt(journey, forward, "The tide")) == "[Forwarded message of Eve:]\n> The tide"


async def test_speaker_is_named_in_a_group(journey: Journey) -> None:
    assert texts(await prompt(journey, private_message("why?", chat=GROUP), "why?")) == "Ann: why?"
    message = private_message(None, chat=GROUP, photo=photo(journey))
    assert (await prompt(journey, message)).parts[0] == Text("Ann sends:")


async def test_last_answer_is_not_repeated_and_an_unknown_one_is(journey: Journey) -> None:
    answer = await journey.ask("tell me about the sea")
    await journey.idle()
    bot = {"id": journey.bot.bot.id, "is_bot": True, "first_name": "Farthing"}
    assert texts(await prompt(journey, replying(answer, **{"from": bot}), "why?")) == "why?"
    found = texts(await prompt(journey, replying("An answer of long ago.", **{"from": bot}), "why?"))
    assert found == "[Earlier message of yours, which is replied to:]\n> An answer of long ago.\n\nwhy?"


@pytest.mark.parametrize(
    ("data", "name", "text"),
    [
        ("añb".encode(), "a.txt", "[File a.txt:]\nañb"),
        ("Größe".encode("cp1252"), "notes", "[File notes:]\nGröße"),
        (files.word("Some words"), "a.docx", "[File a.docx:]\nSome words"),
        (files.pdf("A page of some words"), "x]\n.bin", "[File x) .bin:]\n[page 1]\nA page of some words"),
    ],
)
async def test_file_is_read_by_its_content(journey: Journey, data: bytes, name: str, text: str) -> None:
    found = await prompt(journey, document(journey, data, name))
    assert (texts(found), found.remarks) == (text, [])


async def test_scan_becomes_pictures_and_its_missing_pages_are_told(journey: Journey) -> None:
    found = await prompt(journey, document(journey, files.scan(12), "scan.pdf"))
    assert texts(found) == "[File scan.pdf, only the first 10 pages of it, as pictures of its pages:]"
    assert sum(isinstance(part, Image) for part in found.parts) == 10
    assert found.remarks == ["I read the first 10 of 12 pages of `scan.pdf`. The rest was left out."]


async def test_file_over_the_models_limit_is_cut(journey: Journey) -> None:
    found = await prompt(journey, document(journey, b"words and more words\n" * 5000, "a`b.txt"), limit=1000)
    (remark,) = found.remarks
    assert "characters of `a'b.txt`" in remark
    assert "only the first" in texts(found)
    assert 3000 < len(texts(found)) < 5000


@pytest.mark.parametrize(("kind", "name"), [("PNG", "image/png"), ("GIF", "image/gif"), ("HEIF", "image/jpeg")])
async def test_picture_sent_as_a_file_is_a_picture_of_its_own_kind_or_a_jpeg(
    journey: Journey, kind: str, name: str
) -> None:
    *_, found = (await prompt(journey, document(journey, files.picture(kind), "a", "image/jpeg"))).parts
    assert isinstance(found, Image)
    assert found.url.startswith(f"data:{name};base64,")


async def test_picture_of_another_kind_becomes_a_jpeg(journey: Journey) -> None:
    found = await prompt(journey, document(journey, files.picture("BMP", (3000, 1500)), "a"))
    (picture,) = found.parts
    assert isinstance(picture, Image)
    assert picture.url.startswith("data:image/jpeg;base64,")
    assert (picture.width, picture.height, found.remarks) == (1568, 784, [])


async def test_first_picture_of_an_animation_is_passed_on_and_told(journey: Journey) -> None:
    out = io.BytesIO()
    first, second = (Pillow.new("RGB", (20, 20), colour) for colour in ("red", "blue"))
    first.save(out, "PNG", save_all=True, append_images=[second])
    found = await prompt(journey, document(journey, out.getvalue(), "run.png"), "")
    assert texts(found) == "[The first picture of an animation:]"
    assert sum(isinstance(part, Image) for part in found.parts) == 1
    assert found.remarks == ["I see only the first picture of the animation `run.png`."]


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (files.archive({"a": "b"}), "chat.file_kind"),
        (b" \n", "chat.file_empty"),
        (files.pdf("secret words", password="k"), "chat.file_locked"),
        (b"%PDF- broken", "chat.file_broken"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "chat.file_old"),
        (b"\0\0\0\0ftypheic", "chat.file_picture"),
        (files.picture("JPEG")[:-40], "chat.file_broken"),
        (files.picture("PNG")[:-40], "chat.file_broken"),
    ],
)
async def test_unusable_file_is_refused_with_its_reason(journey: Journey, data: bytes, key: str) -> None:
    with pytest.raises(Unreadable) as caught:
        await prompt(journey, document(journey, data, "a"))
    assert caught.value.key == key


async def test_content_that_can_not_be_seen_is_refused_and_in_a_reply_with_words_told(journey: Journey) -> None:
    video = {"file_id": "v", "file_unique_id": "v", "width": 9, "height": 9, "duration": 5}
    for message in (private_message(None, video=video, caption="what is it?"), replying(video=video)):
        with pytest.raises(Unreadable) as caught:
            await prompt(journey, message, "what is it?")
        assert caught.value.key == "chat.unseen_video"
    found = await prompt(journey, replying(video=video, caption="the sea"), "what does it say?")
    assert "> the sea\n\n[It has a video that you can't see.]\n\nwhat does it say?" in texts(found)
    assert found.remarks == ["I can't see the video or animation of that message, so I answer from its text only."]


async def test_message_without_content_and_recording_without_a_transcriber_are_refused(journey: Journey) -> None:
    voice = {"file_id": "v", "file_unique_id": "v", "duration": 3}
    for message, key in ((private_message(None), "unreadable"), (private_message(None, voice=voice), "no_voice")):
        with pytest.raises(Unreadable) as caught:
            await prompt(journey, message)
        assert caught.value.key == f"chat.{key}"


@pytest.mark.parametrize("chat", [{}, {"chat": GROUP}])
async def test_private_chat_shows_work_while_a_file_is_read(journey: Journey, chat: dict[str, Any]) -> None:
    await prompt(journey, {**document(journey, b"words", "a.txt"), **chat})
    actions = [params for name, params in journey.sandbox.world.calls if name == "sendChatAction"]
    assert [params["action"] for params in actions] == ([] if chat else ["typing"])


async def test_file_is_read_also_where_the_chat_action_is_refused(journey: Journey) -> None:
    message = document(journey, b"words", "a.txt")
    journey.sandbox.world.blocked.add(ANN)
    assert texts(await prompt(journey, message)) == "[File a.txt:]\nwords"


async def test_message_that_can_not_be_seen_is_told_to_the_model_and_the_asker(journey: Journey) -> None:
    origin = {"origin": {**ORIGIN}, "giveaway": {"chats": [], "winners_selection_date": 1, "winner_count": 3}}
    found = await prompt(journey, private_message("is it real?", external_reply=origin), "is it real?")
    assert texts(found) == "[Message of Eve, which is replied to:]\n\n[You can't see it.]\n\nis it real?"
    assert found.remarks == ["I can't see the message that you reply to, so I answer from your words only."]
