from typing import Any

from bot.updates.merging import ALBUM, NEAR_UNITS, continues, joined, may_continue


def said(text: str, user: int = 1, **more: Any) -> dict[str, Any]:
    return {"update_id": 1, "message": {"from": {"id": user}, "text": text, **more}}


def shown(caption: str = "", group: str = "g") -> dict[str, Any]:
    photo = {"from": {"id": 1}, "media_group_id": group, "photo": [{}]}
    return {"update_id": 1, "message": photo | ({"caption": caption} if caption else {})}


def test_only_near_full_texts_and_albums_may_continue() -> None:
    assert may_continue(said("x" * 4000))
    assert may_continue(said("🙂" * 2000))
    assert may_continue(shown())
    assert not may_continue(said("hello"))
    assert not may_continue({"update_id": 1, "callback_query": {}})


def test_long_paste_continues_in_the_next_message_of_the_same_sender() -> None:
    long = said("x" * 4096)
    assert continues(long, said("y"))
    assert not continues(said("short"), said("y"))
    assert not continues(long, said("y", user=2))
    assert not continues(long, said("/stop"))
    assert not continues(long, said("y", forward_origin={}))


def test_paste_is_joined_without_loss() -> None:
    text = joined([said("x" * 4096), said("y" * 3900), said("z")])["message"]["text"]
    assert text == "x" * 4096 + "y" * 3900 + "\n" + "z"


def test_album_is_one_message_with_the_first_caption() -> None:
    assert continues(shown(), shown())
    assert not continues(shown(), shown(group="h"))
    message = joined([shown(), shown("what is this?"), shown()])["message"]
    assert (message["caption"], len(message[ALBUM])) == ("what is this?", 2)


def test_text_may_continue_from_the_near_limit_on() -> None:
    assert may_continue(said("x" * NEAR_UNITS))
    assert not may_continue(said("x" * (NEAR_UNITS - 1)))
