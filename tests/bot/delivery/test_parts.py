import json

from bot.delivery.parts import file_payload, payload, private_payload
from bot.formatting.markdown import MOST_UNITS, Piece, render


def test_part_for_the_private_chat_has_its_note_above_the_text() -> None:
    (piece,) = render("😀 **bold**")
    given = payload(piece, thread_id=7, reply_to=3, edit=4, note="From 😀 Tea:")
    found = json.loads(private_payload(given, first=True))
    assert found["text"] == "From 😀 Tea:\n\n😀 bold"
    assert [(each["offset"], each["length"]) for each in found["entities"]] == [(17, 4)]
    assert (found["thread_id"], found["reply_to"], found["edit"]) == (None, None, None)


def test_only_the_first_part_gets_a_note_and_only_if_it_fits() -> None:
    full = payload(Piece("a" * MOST_UNITS), thread_id=None, note="From:")
    assert json.loads(private_payload(full, first=True))["text"] == "a" * MOST_UNITS
    short = payload(Piece("a"), thread_id=None, note="From:")
    assert json.loads(private_payload(short, first=False)) == json.loads(payload(Piece("a"), thread_id=None))


def test_file_goes_to_the_private_chat_as_it_is() -> None:
    given = file_payload("# text", thread_id=7)
    assert json.loads(private_payload(given, first=True)) == json.loads(file_payload("# text", thread_id=None))
