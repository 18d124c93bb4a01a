"""Mentions of the bot, by entities."""

from typing import Any

import pytest
from telegram import Message

from bot.groups.addressing import (
    ANONYMOUS,
    CHANNEL,
    COMMAND,
    LINKED_CHANNEL,
    PERSONAL,
    addressed,
    argument,
    is_anonymous,
    is_chat_admin,
    is_other_bot,
    own_words,
)
from tests.bot.contexts import GROUP, context_of, private_message
from tests.bot.updates_of import BOT, earlier, entity, group_message, received
from tests.journeys.conftest import ANN, GROUP_ID, OLGA, Journey

MENTION = "@farthing_bot"
EVE = {"id": 5, "is_bot": False, "first_name": "Eve"}
AT_START = [entity("mention", MENTION, MENTION)]
ORIGIN = {"type": "hidden_user", "sender_user_name": "Eve", "date": 1}


@pytest.mark.parametrize(
    ("message", "is_personal"),
    [
        (group_message("hi"), True),
        (group_message("", caption="a picture"), True),
        (group_message("", new_chat_title="Tea room"), False),
        (group_message("", left_chat_member=EVE), False),
    ],
)
def test_service_messages_are_told_from_those_of_people(message: dict[str, Any], is_personal: bool) -> None:
    assert PERSONAL.filter(received(message)[0]) == is_personal


def mentioning(text: str, part: str = MENTION, kind: str = "mention", **more: Any) -> dict[str, Any]:
    return group_message(text, entities=[entity(kind, text, part, **more)])


@pytest.mark.parametrize(
    ("message", "is_ours", "words"),
    [
        (mentioning(f"hi {MENTION} there"), True, "hi there"),
        (mentioning("hi @Farthing_Bot", "@Farthing_Bot"), True, "hi"),
        (mentioning(f"🙂🙂 {MENTION} 🙂"), True, "🙂🙂 🙂"),
        (mentioning(f"hey {MENTION}, what is tea?"), True, "hey, what is tea?"),
        (mentioning(f"{MENTION}: what is tea?"), True, "what is tea?"),
        (mentioning("hi @farthing_botany", "@farthing_botany"), False, "hi @farthing_botany"),
        (mentioning(f"look: x{MENTION}", "x", "bold"), False, f"look: **x**{MENTION}"),
        (
            group_message(f"code {MENTION}", entities=[entity("code", f"code {MENTION}", MENTION)]),
            False,
            f"code `{MENTION}`",
        ),
        (group_message(f"no entity {MENTION}"), False, None),
        (mentioning("Farthing, hi", "Farthing", "text_mention", user=BOT), True, "hi"),
        (
            mentioning("Eve, hi", "Eve", "text_mention", user={"id": 5, "is_bot": False, "first_name": "Eve"}),
            False,
            None,
        ),
        (mentioning("please /ask@farthing_bot this", "/ask@farthing_bot", "bot_command"), True, "please this"),
        (mentioning("please /ask@other_bot this", "/ask@other_bot", "bot_command"), False, None),
        (mentioning("please /ask this", "/ask", "bot_command"), False, None),
        (
            group_message(None, caption=f"{MENTION} see", caption_entities=AT_START),
            True,
            "see",
        ),
        (group_message("hello", reply_to_message=earlier("x", BOT)), True, "hello"),
        (group_message("hello", reply_to_message=earlier("x")), False, "hello"),
        (mentioning(f"{MENTION} said he") | {"forward_origin": ORIGIN}, False, f"{MENTION} said he"),
        (private_message("anything"), True, "anything"),
        (
            private_message(f"hi {MENTION}", entities=[entity("mention", f"hi {MENTION}", MENTION)]),
            True,
            f"hi {MENTION}",
        ),
        (group_message(None), False, ""),
    ],
)
def test_bot_is_meant_by_entities_and_replies_only(message: dict[str, Any], is_ours: bool, words: str | None) -> None:
    said, context = received(message)
    assert addressed(said, context) == is_ours
    assert own_words(said, context) == (message["text"] if words is None else words)


def test_only_the_first_mention_is_left_out() -> None:
    text = f"{MENTION} is {MENTION} a bot?"
    first = entity("mention", text, MENTION)
    second = {**first, "offset": text.rindex(MENTION)}
    assert own_words(*received(group_message(text, entities=[first, second]))) == f"is {MENTION} a bot?"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"text": "/ask one\n  two\n\nthree"}, "one\n  two\n\nthree"),
        ({"text": "/ask\nline one\nline two"}, "line one\nline two"),
        ({"text": "/ask"}, ""),
        ({"text": None, "caption": "/ask what is it?"}, "what is it?"),
        ({"text": None}, ""),
        ({"text": "/ask 😀 why?", "entities": [{"type": "bold", "offset": 0, "length": 12}]}, "**😀 why?**"),
        ({"text": "/ask why?", "entities": [{"type": "bold", "offset": 0, "length": 4}]}, "why?"),
        ({"text": "/ask why?", "entities": [{"type": "code", "offset": 5, "length": 4}]}, "`why?`"),
    ],
)
def test_argument_keeps_its_line_breaks(said: dict[str, Any], expected: str) -> None:
    assert argument(received(private_message(**said))[0]) == expected


@pytest.mark.parametrize(
    ("message", "is_command"),
    [
        (mentioning("/ask why?", "/ask", "bot_command"), True),
        (mentioning("well /ask why?", "/ask", "bot_command"), False),
        (group_message(None, caption="/ask", caption_entities=[entity("bot_command", "/ask", "/ask")]), True),
        (mentioning("/ask why?", "/ask", "bot_command") | {"forward_origin": ORIGIN}, False),
        (group_message("/ask"), False),
    ],
)
def test_command_is_at_the_start_of_own_words(message: dict[str, Any], is_command: bool) -> None:
    assert COMMAND.filter(received(message)[0]) == is_command


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
async def test_admins_are_those_that_telegram_names(journey: Journey, user: int, chat: int, is_admin: bool) -> None:
    context = context_of(journey, private_message("x", user, chat=GROUP))
    assert await is_chat_admin(context, chat) == is_admin
