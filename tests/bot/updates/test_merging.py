"""Messages that belong together: pastes, albums, forwards with a comment."""

from typing import Any

import pytest

from bot.updates.merging import (
    ALBUM,
    COMMENT_SECONDS,
    FILE_SECONDS,
    JOIN_SECONDS,
    NEAR_UNITS,
    PART_CHARS,
    Waits,
    continues,
    joined,
    wait_seconds,
)

ORIGIN: dict[str, Any] = {"forward_origin": {"type": "hidden_user", "sender_user_name": "Eve", "date": 1}}


def said(text: str, user: int = 1, *, date: int = 100, **more: Any) -> dict[str, Any]:
    return {"update_id": 1, "message": {"from": {"id": user}, "text": text, "date": date, **more}}


def shown(caption: str = "", group: str = "g", **more: Any) -> dict[str, Any]:
    photo = {"from": {"id": 1}, "date": 100, "media_group_id": group, "photo": [{}], **more}
    return {"update_id": 1, "message": photo | ({"caption": caption} if caption else {})}


def forwarded(text: str, **more: Any) -> dict[str, Any]:
    return said(text, **ORIGIN, **more)


def bare(kind: str = "photo", number: int = 1, *, chat: str = "private", **more: Any) -> dict[str, Any]:
    """Return a picture or file without words."""
    fields = {"from": {"id": 1}, "chat": {"type": chat}, "date": 100, "message_id": number, kind: {}}
    return {"update_id": number, "message": {**fields, **more}}


@pytest.mark.parametrize(
    ("parts", "seconds"),
    [
        ([bare()], FILE_SECONDS),
        ([bare("document")], FILE_SECONDS),
        ([bare(), bare("document", 2)], FILE_SECONDS),
        ([bare(media_group_id="g"), bare(number=2, media_group_id="g")], FILE_SECONDS),
        ([bare(caption="this?")], 0),
        ([bare(chat="group")], 0),
        ([bare("document", animation={})], 0),
        ([bare(reply_to_message={})], 0),
        ([bare(), said("what is this?")], 0),
        ([said("x" * 4000)], JOIN_SECONDS),
        ([said("🙂" * 2000)], JOIN_SECONDS),
        ([said("x" * NEAR_UNITS)], JOIN_SECONDS),
        ([shown()], JOIN_SECONDS),
        ([forwarded("x")], JOIN_SECONDS),
        ([said("x" * (NEAR_UNITS - 1))], COMMENT_SECONDS),
        ([said("hello")], COMMENT_SECONDS),
        ([said("/ask what is this?")], COMMENT_SECONDS),
        ([said("/ask@our_bot what is this?")], COMMENT_SECONDS),
        ([said("/new")], 0),
        ([said("hello", reply_to_message={})], 0),
        ([forwarded("x"), said("comment")], 0),
        ([{"update_id": 1, "callback_query": {}}], 0),
        ([{"update_id": 1, "message": {"voice": {}}}], 0),
    ],
)
def test_time_to_wait_for_the_next_part(parts: list[dict[str, Any]], seconds: float) -> None:
    assert wait_seconds(parts, Waits()) == seconds


def test_long_paste_continues_in_the_next_message_of_the_same_sender() -> None:
    long = [said("x" * 4096)]
    assert continues(long, said("y"))
    assert not continues([said("short")], said("y"))
    assert not continues(long, said("y", user=2))
    assert not continues(long, said("/stop"))
    assert not continues(long, said("y", reply_to_message={}))


def test_paste_is_joined_without_loss() -> None:
    text = joined([said("x" * 4096), said("y" * 3900), said("z")])["message"]["text"]
    assert text == "x" * 4096 + "y" * 3900 + "\n" + "z"


def code(text: str) -> dict[str, Any]:
    length = len(text.encode("utf-16-le")) // 2
    return said(text, entities=[{"type": "pre", "language": "py", "offset": 0, "length": length}])


def test_code_that_was_cut_between_two_messages_is_one_again() -> None:
    parts = [code("😀" * 2048), code("x = 1"), said("and why?", entities=[{"type": "bold", "offset": 4, "length": 3}])]
    message = joined(parts)["message"]
    assert message["entities"] == [
        {"type": "pre", "language": "py", "offset": 0, "length": 4101},
        {"type": "bold", "offset": 4106, "length": 3},
    ]
    assert message["text"].encode("utf-16-le")[2 * 4106 : 2 * 4109].decode("utf-16-le") == "why"
    assert PART_CHARS not in message


def test_formatting_of_parts_that_can_not_be_read_is_left_out() -> None:
    parts = [said("x" * 4096, entities="?"), said("y", entities=[5, {"type": "bold"}])]
    assert joined(parts)["message"]["entities"] == []


def test_album_is_one_message_with_the_first_caption() -> None:
    assert continues([shown()], shown())
    assert not continues([shown()], shown(group="h"))
    message = joined([shown(), shown("what is this?"), shown()])["message"]
    assert (message["caption"], len(message[ALBUM])) == ("what is this?", 2)


COMMENT, FORWARD = said("what does this mean?"), forwarded("the tide")


@pytest.mark.parametrize(
    ("parts", "after", "is_one"),
    [
        ([COMMENT], FORWARD, True),
        ([FORWARD], COMMENT, True),
        ([FORWARD], FORWARD, True),
        ([COMMENT, FORWARD], FORWARD, True),
        ([FORWARD, FORWARD], COMMENT, True),
        ([COMMENT], shown(**ORIGIN), True),
        ([shown(**ORIGIN), shown(**ORIGIN)], COMMENT, True),
        ([COMMENT, FORWARD], COMMENT, False),
        ([FORWARD, COMMENT], COMMENT, False),
        ([COMMENT], forwarded("later", date=102), False),
        ([FORWARD], said("later", date=102), False),
        ([FORWARD], said("of another", user=2), False),
        ([FORWARD], said("/new"), False),
        ([FORWARD], said("reply", reply_to_message={}), False),
        ([FORWARD], shown(), False),
        ([said("/model")], FORWARD, False),
        ([said("x" * 4096)], FORWARD, True),
    ],
)
def test_forwards_and_one_comment_of_the_same_moment_are_one_question(
    parts: list[dict[str, Any]], after: dict[str, Any], is_one: bool
) -> None:
    assert continues(parts, after) == is_one


@pytest.mark.parametrize("order", [[0, 1, 2], [1, 0, 2], [1, 2, 0]])
def test_comment_is_the_message_and_the_forwards_keep_their_order(order: list[int]) -> None:
    parts = [said("why?", message_id=7), forwarded("one"), forwarded("two")]
    update = joined([parts[number] for number in order])
    assert (update["message"]["text"], update["message"]["message_id"]) == ("why?", 7)
    assert [each["text"] for each in update["message"][ALBUM]] == ["one", "two"]


def test_forwards_without_a_comment_are_joined_to_the_first() -> None:
    message = joined([forwarded("one"), shown("two", **ORIGIN)])["message"]
    assert (message["text"], [each["caption"] for each in message[ALBUM]]) == ("one", ["two"])
    assert "caption" not in message


QUESTION = said("what is this?", date=103)


@pytest.mark.parametrize(
    ("parts", "after", "is_one"),
    [
        ([bare()], QUESTION, True),
        ([bare(), bare("document", 2)], QUESTION, True),
        ([bare()], bare(number=2), True),
        ([bare()], said("/ask what is this?", date=101), True),
        ([bare()], said("what is this?", date=101, reply_to_message={"message_id": 1}), True),
        ([said("what is this?")], bare(), True),
        ([bare()], said("what is this?", date=104), False),
        ([bare()], said("what is this?", user=2), False),
        ([bare()], said("/new"), False),
        ([bare()], said("and this?", reply_to_message={"message_id": 9}), False),
        ([bare(), QUESTION], bare(number=2), False),
        ([bare(), QUESTION], said("another"), False),
        ([bare(chat="group")], QUESTION, False),
        ([bare(caption="this?")], QUESTION, False),
        ([said("hello")], bare(date=102), False),
        ([said("hello")], bare(caption="this?"), False),
        ([said("/model")], bare(), False),
    ],
)
def test_file_and_the_text_after_it_are_one_question(
    parts: list[dict[str, Any]], after: dict[str, Any], is_one: bool
) -> None:
    assert continues(parts, after) == is_one


def test_text_is_the_message_and_the_files_before_it_belong_to_it() -> None:
    question = said("what is this?", message_id=3, reply_to_message={"message_id": 1})
    update = joined([bare(), bare("document", 2), question])
    assert (update["update_id"], update["message"]["message_id"], update["message"]["text"]) == (1, 3, "what is this?")
    assert [each["message_id"] for each in update["message"][ALBUM]] == [1, 2]
    assert "reply_to_message" not in update["message"]
