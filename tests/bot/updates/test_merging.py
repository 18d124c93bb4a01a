import json
from typing import Any

from bot.updates.merging import ALBUM, belongs, joined, waits


def said(text: str, user: int = 1, **more: Any) -> dict[str, Any]:
    return {"update_id": 1, "message": {"from": {"id": user}, "text": text, **more}}


def shown(caption: str = "", group: str = "g") -> dict[str, Any]:
    photo = {"from": {"id": 1}, "media_group_id": group, "photo": [{}]}
    return {"update_id": 1, "message": photo | ({"caption": caption} if caption else {})}


def test_only_what_may_go_on_is_waited_for() -> None:
    assert waits(said("x" * 4000))
    assert waits(said("🙂" * 2000))
    assert waits(shown())
    assert not waits(said("hello"))
    assert not waits({"update_id": 1, "callback_query": {}})


def test_a_long_paste_goes_on_in_the_same_persons_next_message() -> None:
    long = said("x" * 4096)
    assert belongs(long, said("y"))
    assert not belongs(said("short"), said("y"))
    assert not belongs(long, said("y", user=2))
    assert not belongs(long, said("/stop"))
    assert not belongs(long, said("y", forward_origin={}))


def test_a_paste_is_joined_without_losing_a_character() -> None:
    text = json.loads(joined([said("x" * 4096), said("y" * 3900), said("z")]))["message"]["text"]
    assert text == "x" * 4096 + "y" * 3900 + "\n" + "z"


def test_an_album_is_one_message_with_the_caption_of_any() -> None:
    assert belongs(shown(), shown())
    assert not belongs(shown(), shown(group="h"))
    message = json.loads(joined([shown(), shown("what is this?"), shown()]))["message"]
    assert (message["caption"], len(message[ALBUM])) == ("what is this?", 2)
