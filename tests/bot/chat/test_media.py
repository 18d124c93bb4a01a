from typing import Any

import pytest

from bot.chat import media
from bot.chat.downloads import Unreadable
from bot.questions import records
from bot.updates.merging import ALBUM
from engine.chat import Image, Part, Text
from tests.bot.chat.test_pdf import pdf
from tests.bot.contexts import context_of, private_message
from tests.journeys.conftest import ANN, Journey


async def parts(journey: Journey, message: dict[str, Any], text: str = "") -> list[Part]:
    context = context_of(journey, message)
    assert context.incoming is not None
    assert context.incoming.message is not None
    content = media.content_of(context.incoming.message, context, text)
    return await media.parts_of(await records.store(context, context.incoming.message, content), context)


def document(journey: Journey, data: bytes, name: str, kind: str) -> dict[str, Any]:
    file_id = journey.sandbox.world.keep_file(name, kind, data)
    about = {"file_id": file_id, "file_unique_id": file_id, "file_size": len(data), "file_name": name}
    return private_message(None, document={**about, "mime_type": kind})


def photo(journey: Journey, *sides: tuple[int, int]) -> dict[str, Any]:
    sizes = []
    for width, height in sides:
        file_id = journey.sandbox.world.keep_file("x.jpg", "image/jpeg", b"%dx%d" % (width, height))
        sizes.append({"file_id": file_id, "file_unique_id": file_id, "width": width, "height": height, "file_size": 5})
    return private_message(None, photo=sizes)


async def refusal(journey: Journey, message: dict[str, Any]) -> str:
    with pytest.raises(Unreadable) as caught:
        await parts(journey, message)
    return caught.value.key


@pytest.mark.parametrize(
    ("sides", "chosen"),
    [
        ([(90, 60), (800, 600), (1568, 900), (2560, 1440)], (1568, 900)),
        ([(2560, 1440), (90, 60)], (90, 60)),
        ([(3000, 2000), (1600, 1569)], (1600, 1569)),
        ([(100, 1569), (90, 1568)], (90, 1568)),
    ],
)
async def test_largest_photo_that_models_do_not_scale_down_is_chosen(
    journey: Journey, sides: list[tuple[int, int]], chosen: tuple[int, int]
) -> None:
    (image,) = await parts(journey, photo(journey, *sides))
    assert isinstance(image, Image)
    assert (image.width, image.height) == chosen
    assert image.url.startswith("data:image/jpeg;base64,")


async def test_album_follows_its_first_message(journey: Journey) -> None:
    message = photo(journey, (90, 60)) | {ALBUM: [photo(journey, (80, 50))]}
    found = await parts(journey, message, "see")
    assert found[0] == Text("see")
    assert [(each.width, each.height) for each in found[1:] if isinstance(each, Image)] == [(90, 60), (80, 50)]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.txt", "text/plain"), ("A.PY", "application/octet-stream"), ("a", "application/json"), ("a.csv", "")],
)
async def test_text_file_becomes_text_with_its_name(journey: Journey, name: str, kind: str) -> None:
    (found,) = await parts(journey, document(journey, "añb".encode(), name, kind))
    assert found == Text(f"\n\n[{name}]\nañb")


async def test_pdf_becomes_text(journey: Journey) -> None:
    (found,) = await parts(journey, document(journey, pdf("Hello tide"), "a.pdf", "application/pdf"))
    assert isinstance(found, Text)
    assert "Hello tide" in found.text


async def test_picture_sent_as_a_file_is_a_picture(journey: Journey) -> None:
    (found,) = await parts(journey, document(journey, b"png", "a.png", "image/png"))
    assert isinstance(found, Image)
    assert found.url.startswith("data:image/png;base64,")


@pytest.mark.parametrize(
    ("data", "name", "kind", "key"),
    [
        (b"x", "a.svg", "image/svg+xml", "chat.image_kind"),
        (b"x", "a.zip", "application/zip", "chat.file_kind"),
        (b" \n", "a.txt", "text/plain", "chat.file_empty"),
        (b"no pdf", "a.pdf", "application/pdf", "chat.file_empty"),
        (b"x" * 200_001, "a.txt", "text/plain", "chat.file_long"),
    ],
)
async def test_unusable_file_is_refused_with_its_reason(
    journey: Journey, data: bytes, name: str, kind: str, key: str
) -> None:
    assert await refusal(journey, document(journey, data, name, kind)) == key


async def test_longest_text_file_is_taken(journey: Journey) -> None:
    (found,) = await parts(journey, document(journey, b"x" * 200_000, "a.txt", "text/plain"))
    assert isinstance(found, Text)


async def test_message_without_content_is_unreadable(journey: Journey) -> None:
    assert await refusal(journey, private_message(None)) == "chat.unreadable"


@pytest.mark.parametrize(("is_bot", "quoted"), [(False, True), (True, False)])
async def test_text_of_a_persons_message_is_quoted(journey: Journey, is_bot: bool, quoted: bool) -> None:
    author = {"id": 5, "is_bot": is_bot, "first_name": "x"}
    chat = {"id": ANN, "type": "private"}
    reply = {"message_id": 4, "date": 1, "chat": chat, "from": author, "text": "before"}
    found = await parts(journey, private_message("why?", reply_to_message=reply), "why?")
    assert found == ([Text("> before\n\n")] if quoted else []) + [Text("why?")]


async def test_recording_without_a_transcriber_is_refused(journey: Journey) -> None:
    voice = {"file_id": "v", "file_unique_id": "v", "duration": 3}
    assert await refusal(journey, private_message(None, voice=voice)) == "chat.no_voice"
