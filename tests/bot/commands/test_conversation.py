"""/new, /stop, /retry and /ask."""

import pytest

from bot.context import claimed_update
from bot.menu import discover
from storage.telegram.inbox import ClaimedUpdate
from tests.bot.commands.conftest import ANN, BAO, ME, OLGA, PROVIDERS, ROOM, Chat

QUOTED = {"message_id": 1, "date": 0, "chat": {"id": ANN, "type": "private"}, "from": ME}


def prompts(chat: Chat) -> list[list[str]]:
    """The texts of each request that reached a provider."""
    calls = [call for name in PROVIDERS for call in chat.scripts[name].calls]
    return [[message.text for message in call.request.messages] for call in calls]


async def test_new_ends_the_conversation(chat: Chat) -> None:
    assert await chat.say("/new") == "This conversation is already new."
    await chat.say("/ask first question")
    assert await chat.say("/new") == "New conversation started. Ask away."
    await chat.say("/ask second question")
    assert "first question" not in " ".join(prompts(chat)[-1])


async def test_words_after_new_are_the_first_question(chat: Chat) -> None:
    await chat.say("/ask first question")
    answer = await chat.say("/new\nsecond\nquestion")
    assert "New conversation" not in answer
    assert prompts(chat)[-1] == ["second\nquestion"]
    await chat.say("/ask third question")
    assert "first question" not in " ".join(prompts(chat)[-1])


async def test_stop_without_an_answer_says_so(chat: Chat) -> None:
    assert await chat.say("/stop") == "I'm not answering anything right now."


class Running:
    """A running answer that records whether it was stopped."""

    def __init__(self) -> None:
        self.stopped = False

    def stop(self) -> None:
        self.stopped = True


async def test_stop_reaches_only_the_answer_of_its_chat(chat: Chat) -> None:
    running = Running()
    with chat.services.answers.running(ROOM, 0, ANN, running):  # type: ignore[arg-type]
        assert "not answering" in await chat.say("/stop")
        assert not running.stopped
        assert await chat.say("/stop", ANN, ROOM) == ""
    assert running.stopped


@pytest.mark.parametrize(
    ("status", "stops"), [("member", False), ("left", False), ("administrator", True), ("creator", True)]
)
async def test_answer_of_another_is_stopped_by_admins_of_the_group_only(chat: Chat, status: str, stops: bool) -> None:
    running, chat.request.member = Running(), status
    with chat.services.answers.running(ROOM, 0, ANN, running):  # type: ignore[arg-type]
        said = await chat.say("/stop", BAO, ROOM)
    assert running.stopped == stops
    assert said == (
        ""
        if stops
        else "That answer belongs to someone else. Only the person who asked, or an admin of this group, can stop it."
    )


async def test_retry_in_a_group_asks_my_own_last_question(chat: Chat) -> None:
    await chat.say("/ask Ann's question", ANN, ROOM)
    await chat.say("/ask Bao's question", BAO, ROOM)
    await chat.say("/retry", ANN, ROOM)
    assert prompts(chat)[-1][-1] == "Ann: Ann's question"
    assert "There is nothing to ask again" in await chat.say("/retry", OLGA, ROOM)


async def test_ask_answers_the_question(chat: Chat) -> None:
    assert "an answer by deepseek" in await chat.say("/ask How tall is Everest?")
    assert prompts(chat)[-1][-1] == "How tall is Everest?"
    await chat.check_books()


async def test_ask_keeps_the_line_breaks_of_the_question(chat: Chat) -> None:
    await chat.say("/ask one\n  two\n\nthree")
    assert prompts(chat)[-1][-1] == "one\n  two\n\nthree"


async def test_ask_without_a_question_shows_how(chat: Chat) -> None:
    assert "Write your question after the command" in await chat.say("/ask")
    assert prompts(chat) == []


async def test_ask_as_a_reply_quotes_the_message(chat: Chat) -> None:
    quoted = {
        "message_id": 1,
        "date": 0,
        "chat": {"id": ANN, "type": "private"},
        "from": ME,
        "text": "The sea is wide.",
    }
    await chat.say("/ask How wide?", reply_to_message=quoted)
    label = "[Earlier message of yours, which is replied to:]"
    assert prompts(chat)[-1][-1].split("\n\n") == [f"{label}\n> The sea is wide.", "How wide?"]


async def test_ask_as_a_reply_needs_no_words_of_its_own(chat: Chat) -> None:
    await chat.say("/ask", reply_to_message={**QUOTED, "caption": "A picture"})
    assert prompts(chat)[-1][-1] == "[Earlier message of yours, which is replied to:]\n> A picture"


async def test_anonymous_sender_is_told_why_there_is_no_answer(chat: Chat) -> None:
    sender = {"id": ROOM, "type": "supergroup", "title": "Room"}
    assert "Anonymous senders have no wallet" in await chat.say("/ask why?", ANN, ROOM, sender_chat=sender)
    assert prompts(chat) == []


async def test_anonymous_sender_is_told_why_by_every_command(chat: Chat) -> None:
    for number, name in enumerate(discover()):
        room = ROOM - number  # one question per message: Telegram takes 20 messages a minute in a group
        sender = {"id": room, "type": "supergroup", "title": "Room"}
        said = await chat.say(f"/{name}@farthing_bot", ANN, room, sender_chat=sender)
        assert "Anonymous senders have no wallet" in said, name
    assert await chat.rows("SELECT * FROM tenants WHERE telegram_user_id IS NOT NULL") == []


async def test_retry_without_a_question_says_so(chat: Chat) -> None:
    assert "There is nothing to ask again" in await chat.say("/retry")


async def test_retry_asks_the_last_question_again(chat: Chat) -> None:
    await chat.say("/ask first question")
    await chat.say("/ask second question")
    await chat.say("/retry")
    assert prompts(chat)[-1] == prompts(chat)[-2]
    assert prompts(chat)[-1][-1] == "second question"


async def test_retry_with_a_model_asks_that_model(chat: Chat) -> None:
    await chat.say("/ask a question")
    assert "There is no model called “nothing”" in await chat.say("/retry nothing")


async def old_question(chat: Chat, text: str) -> str:
    """Ask a question that arrives over an hour late; return the data of its button."""
    token = claimed_update.set(ClaimedUpdate(0, chat.number + 2, "", "", 1, chat.clock.now()))
    sent_at = int(chat.clock.now().timestamp()) - 7200
    try:
        assert f"“{text}”" in await chat.say(text, date=sent_at)
    finally:
        claimed_update.reset(token)
    return chat.button("Yes, answer")


async def test_old_questions_are_answered_by_their_own_buttons_once(chat: Chat) -> None:
    buttons = [await old_question(chat, text) for text in ("first", "second")]
    assert prompts(chat) == []
    for data in (*buttons, *buttons):
        await chat.press_data(data)
    assert [asked[-1] for asked in prompts(chat)] == ["first", "second"]
    assert "This button was used: its question has an answer." in chat.request.calls[-2].text
    await chat.check_books()


async def test_button_obeys_its_owner_only(chat: Chat) -> None:
    data = await old_question(chat, "a question")
    calls = await chat.press_data(data, BAO)
    assert [call.params.get("text") for call in calls] == ["This button was made for someone else."]
    assert prompts(chat) == []


async def test_question_of_another_is_not_asked(chat: Chat) -> None:
    data = await old_question(chat, "a question")
    await chat.say("/start", BAO)
    forged = data.replace(str(ANN), str(BAO))
    calls = await chat.press_data(forged, BAO)
    assert calls[0].text == "I no longer have this question. Please ask it again."
    assert prompts(chat) == []
