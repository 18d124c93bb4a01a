"""Contents of messages that can be described in words."""

from typing import Any

import pytest

from bot.attachments.told import told
from tests.bot.contexts import private_message
from tests.bot.updates_of import received

PLACE = {"latitude": 10.5, "longitude": 106.7}
OPTIONS = [
    {"text": "sea", "voter_count": 3, "persistent_id": "1"},
    {"text": "land", "voter_count": 1, "persistent_id": "2"},
]
POLL = {
    "id": "1",
    "question": "Where?",
    "options": OPTIONS,
    "total_voter_count": 4,
    "is_closed": True,
    "is_anonymous": True,
    "type": "regular",
    "allows_multiple_answers": False,
    "allows_revoting": False,
    "members_only": False,
}
STICKER = {"file_id": "s", "file_unique_id": "s", "type": "regular", "width": 9, "height": 9}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"contact": {"first_name": "Eve", "last_name": "Low", "phone_number": "+123"}}, "[Contact: Eve Low, +123]"),
        ({"location": PLACE}, "[Location: 10.5, 106.7 (latitude, longitude)]"),
        (
            {"location": PLACE, "venue": {"location": PLACE, "title": "Pier", "address": "1 Sea St"}},
            "[Place: Pier, 1 Sea St (10.5, 106.7)]",
        ),
        ({"poll": POLL}, "[Poll: Where? Options: sea (3 votes); land (1 votes); closed]"),
        (
            {"poll": {**POLL, "type": "quiz", "is_closed": False, "correct_option_ids": [1]}},
            "[Quiz: Where? Options: sea (3 votes); land (1 votes); right: land]",
        ),
        ({"dice": {"emoji": "🎲", "value": 4}}, "[🎲 shows 4]"),
        ({"sticker": {**STICKER, "is_animated": False, "is_video": False, "emoji": "😂"}}, "[Sticker: 😂]"),
        ({"sticker": {**STICKER, "is_animated": True, "is_video": False}}, "[Sticker]"),
        ({"game": {"title": "Tide", "description": "A\ngame", "photo": []}}, "[Game: Tide. A game]"),
        (
            {
                "checklist": {
                    "title": "Trip",
                    "tasks": [{"id": 1, "text": "pack"}, {"id": 2, "text": "go", "completion_date": 5}],
                }
            },
            "[Checklist: Trip: pack (open); go (done)]",
        ),
        (
            {
                "invoice": {
                    "title": "Tea",
                    "description": "Hot",
                    "start_parameter": "",
                    "currency": "XTR",
                    "total_amount": 1,
                }
            },
            "[Invoice: Tea. Hot]",
        ),
        ({}, ""),
    ],
)
def test_content_is_told_in_words(content: dict[str, Any], text: str) -> None:
    assert told(received(private_message(None, **content))[0]) == text


def test_long_content_is_cut() -> None:
    poll = {**POLL, "question": "x" * 5000}
    assert len(told(received(private_message(None, poll=poll))[0])) < 2100
