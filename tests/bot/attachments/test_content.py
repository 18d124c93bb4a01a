"""The content of a question: own words and files, replies, quotes, forwards, albums."""

from typing import Any

import pytest

from bot.attachments.content import content_of, name_of
from bot.updates.merging import ALBUM
from storage.telegram.question_content import QuestionContent, QuestionFile, Quotation
from tests.bot.contexts import private_message
from tests.bot.updates_of import BOT, earlier, group_message, received

EVE = {"id": 5, "is_bot": False, "first_name": "Eve"}
CHANNEL = {"id": -1005, "type": "channel", "title": "Tide news"}
ORIGINS: list[tuple[dict[str, Any], str]] = [
    ({"type": "user", "sender_user": EVE}, "Eve"),
    ({"type": "hidden_user", "sender_user_name": "Hidden\nEve"}, "Hidden Eve"),
    ({"type": "chat", "sender_chat": {"id": -5, "type": "group", "title": "Tea room"}}, "Tea room"),
    ({"type": "channel", "chat": CHANNEL, "message_id": 3}, "Tide news"),
]


def content(message: dict[str, Any], text: str = "") -> QuestionContent:
    return content_of(*received(message), text)


def sized(*sides: tuple[int, int]) -> list[dict[str, Any]]:
    return [
        {"file_id": f"p{width}", "file_unique_id": f"p{width}", "width": width, "height": height, "file_size": 5}
        for width, height in sides
    ]


def origin(which: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"date": 1, **(which or ORIGINS[0][0])}


def about(file_id: str, **more: Any) -> dict[str, Any]:
    return {"file_id": file_id, "file_unique_id": file_id, **more}


def photo(file_id: str) -> QuestionFile:
    return QuestionFile("photo", file_id, 5, mime_type="image/jpeg", width=int(file_id[1:]), height=9)


@pytest.mark.parametrize(
    ("sides", "chosen"),
    [
        ([(90, 60), (800, 600), (1568, 900), (2560, 1440)], "p1568"),
        ([(2560, 1440), (90, 60)], "p90"),
        ([(3000, 2000), (1600, 1569)], "p1600"),
        ([(100, 1569), (90, 1568)], "p90"),
    ],
)
def test_largest_photo_that_models_do_not_scale_down_is_chosen(sides: list[tuple[int, int]], chosen: str) -> None:
    (file,) = content(private_message(None, photo=sized(*sides))).files
    assert file.file_id == chosen


def test_own_words_and_file_of_a_private_message() -> None:
    document = about("d", file_name="a.txt", mime_type="text/plain", file_size=7)
    found = content(private_message(None, caption="see", document=document), "see")
    assert found == QuestionContent("see", (QuestionFile("document", "d", 7, "a.txt", "text/plain"),))


def test_speaker_is_named_in_groups_only() -> None:
    assert content(group_message("hello"), "hello").speaker == "Ann"
    assert content(private_message("hello"), "hello").speaker == ""


def test_name_is_one_line_of_bounded_length() -> None:
    assert name_of("  Ann\n\nsays: ignore  ") == "Ann says: ignore"
    assert len(name_of("x" * 500)) == 64


@pytest.mark.parametrize(
    ("fields", "kind", "seconds"),
    [
        ({"voice": about("v", duration=3, mime_type="audio/ogg")}, "voice", 3),
        ({"audio": about("v", duration=4)}, "audio", 4),
        ({"video_note": about("v", duration=5, length=9)}, "video_note", 5),
    ],
)
def test_recording_has_its_length(fields: dict[str, Any], kind: str, seconds: int) -> None:
    (file,) = content(private_message(None, **fields)).files
    assert (file.kind, file.seconds, file.file_id) == (kind, seconds, "v")
    assert file.mime_type == ("video/mp4" if kind == "video_note" else "audio/ogg")


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"video": about("v", width=9, height=9, duration=5)}, "video"),
        (
            {"animation": about("v", width=9, height=9, duration=5), "document": about("v", mime_type="video/mp4")},
            "animation",
        ),
        ({"paid_media": {"star_count": 5, "paid_media": []}}, "paid_media"),
        ({"story": {"id": 1, "chat": CHANNEL}}, "story"),
    ],
)
def test_content_that_can_not_be_seen_is_a_file_of_its_kind(fields: dict[str, Any], kind: str) -> None:
    (file,) = content(private_message(None, caption="what is it?", **fields), "what is it?").files
    assert file.kind == kind


def test_content_that_words_can_tell_is_told() -> None:
    found = content(private_message(None, dice={"emoji": "🎲", "value": 4}))
    assert found == QuestionContent("[🎲 shows 4]")


def test_reply_brings_the_text_the_author_and_the_file_of_a_message() -> None:
    reply = earlier(None, photo=sized((90, 9)), caption="the sea")
    assert content(group_message("where?", reply_to_message=reply), "where?").quotations == (
        Quotation("reply", "the sea", "Eve Low", (photo("p90"),)),
    )
    document = about("d", file_name="a.pdf")
    (found,) = content(private_message("?", reply_to_message=earlier(None, document=document)), "?").quotations
    assert (found.text, found.files[0].name) == ("", "a.pdf")


@pytest.mark.parametrize(
    ("more", "author"),
    [
        ({"author": {"id": 9, "is_bot": True, "first_name": "Other bot"}}, "Other bot"),
        ({"sender_chat": CHANNEL}, "Tide news"),
        ({"forward_origin": origin()}, "Eve"),
    ],
)
def test_reply_names_the_first_author(more: dict[str, Any], author: str) -> None:
    reply = earlier("words", **more)
    assert content(group_message("?", reply_to_message=reply), "?").quotations == (Quotation("reply", "words", author),)


def test_reply_to_the_bot_is_an_answer_of_it() -> None:
    (found,) = content(private_message("?", reply_to_message=earlier("Wide.", BOT)), "?").quotations
    assert (found.kind, found.text) == ("answer", "Wide.")


def test_selected_quote_is_named_apart() -> None:
    quote = {"text": "wide", "position": 8, "is_manual": True}
    message = private_message("why?", reply_to_message=earlier("The sea is wide."), quote=quote)
    assert content(message, "why?").quotations == (
        Quotation("reply", "The sea is wide.", "Eve Low"),
        Quotation("quote", "wide"),
    )
    message["quote"]["is_manual"] = False
    assert len(content(message, "why?").quotations) == 1


def test_reply_to_a_message_of_another_chat_has_its_quote_and_file() -> None:
    outside = {"origin": origin(ORIGINS[3][0]), "chat": CHANNEL, "message_id": 3, "photo": sized((90, 9))}
    quote = {"text": "high at noon", "position": 0}
    message = private_message("true?", external_reply=outside, quote=quote)
    assert content(message, "true?").quotations == (
        Quotation("reply", "", "Tide news", (photo("p90"),)),
        Quotation("quote", "high at noon"),
    )


def test_reply_to_a_story_has_a_story_that_can_not_be_seen() -> None:
    message = private_message("?", reply_to_story={"id": 1, "chat": CHANNEL})
    assert content(message, "?").quotations == (Quotation("reply", "", "", (QuestionFile("story", ""),)),)


def test_first_message_of_a_topic_is_no_reply() -> None:
    topic = earlier(None, forum_topic_created={"name": "Tides", "icon_color": 1})
    assert content(group_message("hello", reply_to_message=topic), "hello").quotations == ()


@pytest.mark.parametrize(("which", "author"), ORIGINS)
def test_forward_is_a_quotation_of_its_author(which: dict[str, Any], author: str) -> None:
    found = content(private_message("the tide", forward_origin=origin(which)), "the tide")
    assert found == QuestionContent("", (), (Quotation("forward", "the tide", author),))


def test_comment_and_forwards_are_one_question() -> None:
    forwards = [
        private_message("one", forward_origin=origin()),
        private_message(None, forward_origin=origin(), media_group_id="g", caption="two", photo=sized((90, 9))),
        private_message(None, forward_origin=origin(), media_group_id="g", photo=sized((80, 9))),
        private_message(None, forward_origin=origin(), contact={"first_name": "Bo", "phone_number": "1"}),
    ]
    assert content({**private_message("true?"), ALBUM: forwards}, "true?") == QuestionContent(
        "true?",
        (),
        (
            Quotation("forward", "one", "Eve"),
            Quotation("forward", "two", "Eve", (photo("p90"), photo("p80"))),
            Quotation("forward", "[Contact: Bo, 1]", "Eve"),
        ),
    )


def test_album_has_all_its_pictures_and_captions() -> None:
    rest = [
        private_message(None, photo=sized((80, 9)), caption="first"),
        private_message(None, photo=sized((70, 9)), caption="second"),
    ]
    message = {**private_message(None, photo=sized((90, 9)), caption="first"), ALBUM: rest}
    assert content(message, "first") == QuestionContent("first\n\nsecond", (photo("p90"), photo("p80"), photo("p70")))


def test_caption_of_an_unknown_content_is_not_alone() -> None:
    unknown: dict[str, Any] = {"hologram": {"file_id": "h"}}
    assert content(private_message(None, caption="see?", **unknown), "see?").files == (QuestionFile("unknown", ""),)
    assert content(private_message(None, **unknown)).is_empty


def test_reply_to_a_content_that_telegram_does_not_pass_on_is_named() -> None:
    outside = {"origin": origin(), "giveaway": {"chats": [CHANNEL], "winners_selection_date": 1, "winner_count": 3}}
    lost = (QuestionFile("unknown", ""),)
    assert content(private_message("real?", external_reply=outside), "real?").quotations == (
        Quotation("reply", "", "Eve", lost),
    )
    reply = {**earlier("x"), "boost_added": {"boost_count": 1}}
    del reply["text"]
    assert content(private_message("why?", reply_to_message=reply), "why?").quotations[0].files == lost


@pytest.mark.parametrize("text", ["   ", "\u200b", "\u2062\u2063", "\u3164", "\n\n"])
def test_invisible_words_are_none(text: str) -> None:
    assert content(private_message(text), text).is_empty
