"""Senders: people, anonymous admins, channels, other bots; and the admins of a group."""

from typing import Any

import pytest
from telegram import Message

from bot.groups.senders import ANONYMOUS, CHANNEL, LINKED_CHANNEL, is_anonymous, is_chat_admin, is_other_bot
from tests.bot.contexts import GROUP, context_of, private_message
from tests.journeys.conftest import ANN, GROUP_ID, OLGA, Journey


def message(user: int | None, *, is_bot: bool = False, **more: Any) -> Message:
    sender = {} if user is None else {"from": {"id": user, "is_bot": is_bot, "first_name": "x"}}
    made = Message.de_json({"message_id": 1, "date": 0, "chat": GROUP, **sender, **more}, None)
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (message(ANN), (False, False)),
        (message(5, is_bot=True), (False, True)),
        (message(None), (True, False)),
        (message(ANONYMOUS, is_bot=True, sender_chat=GROUP), (True, False)),
        (message(ANONYMOUS, is_bot=True), (True, False)),
        (message(CHANNEL, is_bot=True), (True, False)),
        (message(LINKED_CHANNEL), (True, False)),
        (message(ANN, sender_chat=GROUP), (True, False)),
    ],
)
def test_person_other_bot_and_anonymous_sender_are_told_apart(sent: Message, expected: tuple[bool, bool]) -> None:
    assert (is_anonymous(sent), is_other_bot(sent)) == expected


@pytest.mark.parametrize(
    ("user", "chat", "is_admin"), [(OLGA, GROUP_ID, True), (ANN, GROUP_ID, False), (OLGA, 1, False)]
)
async def test_admins_are_those_whom_telegram_names(journey: Journey, user: int, chat: int, is_admin: bool) -> None:
    context = context_of(journey, private_message("x", user, chat=GROUP))
    assert await is_chat_admin(context, chat) == is_admin
