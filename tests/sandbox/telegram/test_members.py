"""Members of chats, and the messages that privacy mode shows."""

from typing import Any

import pytest
from telegram import ChatMember

from sandbox.telegram.members import membership, words_of_entities
from sandbox.telegram.world import GROUP_ID, World

ANN = {"id": 1001, "is_bot": False, "first_name": "Ann"}


@pytest.mark.parametrize("status", ["creator", "administrator", "member", "left", "kicked"])
def test_member_has_all_fields_that_a_client_needs(status: str) -> None:
    member = ChatMember.de_json(membership(ANN, status), None)
    assert (member.status, member.user.first_name) == (status, "Ann")


def test_words_of_entities_are_cut_in_utf16_units() -> None:
    entities = [{"type": "mention", "offset": 3, "length": 4}, {"type": "bold", "offset": 0, "length": 2}]
    assert words_of_entities({"text": "🙂 @ann", "entities": entities}) == ["@ann"]
    assert words_of_entities(
        {"caption": "@bo", "caption_entities": [{"type": "mention", "offset": 0, "length": 3}]}
    ) == ["@bo"]
    assert words_of_entities({}) == []


@pytest.mark.parametrize(
    ("text", "more", "is_shown"),
    [
        ("hello", {}, False),
        ("hello @farthing_sandbox_bot", {}, True),
        ("hello @Farthing_Sandbox_Bot", {}, True),
        ("hello @farthing_sandbox_botany", {}, False),
        ("/ask", {}, True),
        ("", {"caption": "see @farthing_sandbox_bot"}, True),
        ("", {"migrate_to_chat_id": -1007}, True),
    ],
)
def test_privacy_mode_shows_commands_mentions_and_migrations(text: str, more: dict[str, Any], is_shown: bool) -> None:
    world = World(lambda: 0.0)
    world.say(GROUP_ID, 1001, text, **more)
    assert world.updates.pending == int(is_shown)
