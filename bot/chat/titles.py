"""Names of conversations, made by the cheapest model after the first answer if the operator enabled that."""

import logging

from bot.context import Context, claimed_update
from engine.attempt_record import Receipt
from engine.chat import ChatRequest, Role, says
from engine.completion import Completion
from engine.errors import EngineError
from engine.gateway.question import Finisher
from engine.ports import CaptureStep
from engine.tenancy import Charge
from storage.database.connection import Connection
from storage.telegram import conversation_list, conversations
from storage.telegram.conversations import ConversationMemory
from storage.telegram.questions import QuestionRecord

log = logging.getLogger(__name__)
MODEL = "auto"
TITLE_TOKENS, MOST_TITLE_CHARS, MOST_TEXT_CHARS = 40, 60, 800
_FIRST_EXCHANGE = 2
_INSTRUCTION = "Name this conversation in at most five words, in its own language. Send the name only, without quotes."


async def name_conversation(context: Context, record: QuestionRecord) -> None:
    """Name a conversation with one exchange, by a side call. It is charged only if it gives a name."""
    place = record.place
    memory = await context.services.db.read(lambda conn: conversations.recall(conn, place.chat_id, place.thread_id))
    if memory.conversation_id is None or len(memory.turns) != _FIRST_EXCHANGE:
        return
    request = _request(context, memory)
    try:
        async with context.services.gateway.answer(
            await context.tenant(), request, finish=_finisher(memory.conversation_id)
        ) as answer:
            await answer.whole()
    except EngineError as error:
        log.info("a conversation keeps its first words as its name: %s", type(error).__name__)


def _request(context: Context, memory: ConversationMemory) -> ChatRequest:
    claimed = claimed_update.get()
    said = "\n\n".join(turn.message.text[:MOST_TEXT_CHARS] for turn in memory.turns)
    return ChatRequest(
        id=f"{context.request_id}:title",
        model=MODEL,
        messages=(says(Role.SYSTEM, _INSTRUCTION), says(Role.USER, said)),
        max_output_tokens=TITLE_TOKENS,
        epoch=claimed.epoch if claimed else 1,
        is_side_call=True,
    )


def _finisher(conversation_id: int) -> Finisher:
    async def finish(completion: Completion, _: Receipt) -> CaptureStep:
        title = title_from(completion.text)

        def step(conn: Connection, _: Charge) -> None:
            conversation_list.give_title(conn, conversation_id, title)

        return step

    return finish


def title_from(text: str) -> str:
    """Return the first line of a model's text as a name."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return " ".join(first.split()).strip("\"'“”*# .")[:MOST_TITLE_CHARS]
