"""One prompt answered in one chat: the request with its history, the growing preview, and the sent answer."""

from collections.abc import Sequence
from functools import partial

from msgspec.structs import replace

from bot.attachments.prompt import earlier_pictures
from bot.chat.answer_saver import AnswerSaver, Destination
from bot.chat.memory import limit_of, recall
from bot.chat.variants import answer_keyboard, variant_turns
from bot.context import Context, claimed_update
from bot.delivery.drafts import DraftPreview, Preview
from bot.delivery.edits import EditPreview
from bot.delivery.no_preview import NoPreview
from bot.groups.paying import asker_in_group
from bot.scheduled.wording import heading_of, run_keyboard
from bot.spending.ask_first import brief_instruction
from bot.spending.brake import brake_for
from engine.chat import ChatRequest, Delta, Message, Part, ReadPace, Restart, Role, Text
from engine.completion import Completion
from engine.gateway.answer import Answer
from storage.telegram import conversations, outbox
from storage.telegram.questions import QuestionRecord
from storage.tenants.tenants import TenantState

# At first a little slower than the preview shows frames, so that each read brings the text of the next frame, and no
# frame waits for its time: waking for each delta would cost the most CPU.
PACE = ReadPace(0.6, prompt_reads=1, share=0.2, most_seconds=0.8, joins_texts=True)


async def respond(context: Context, record: QuestionRecord, parts: Sequence[Part]) -> Completion | None:
    """Answer a question that was begun: show the growing answer, then send it. Raises EngineError or AskFirst.

    Returns None if it was stopped before any content, so that nothing was charged.
    """
    destination, state = Destination.of(record), await context.state()
    async with NoPreview() if record.schedule_id else _preview(context, destination, state) as preview:
        saver = await _prepared(context, destination, state, preview, record, tuple(parts))
        completion = await _answered(context, saver)
    if completion is not None:
        await context.courier.send(context.request_id)
    return completion


def _preview(context: Context, destination: Destination, state: TenantState) -> Preview:
    bot, limiter, chat_id, thread_id = context.bot, context.limiter, destination.chat_id, destination.thread_id
    if destination.is_private and state.settings.get("stream", "draft") == "draft":
        return DraftPreview(bot, limiter, chat_id, thread_id)
    return EditPreview(bot, limiter, chat_id, thread_id, destination.reply_to, context.services.edit_schedule)


async def _prepared(
    context: Context,
    destination: Destination,
    state: TenantState,
    preview: Preview,
    record: QuestionRecord,
    parts: tuple[Part, ...],
) -> AnswerSaver:
    """Build the request, with as much of the conversation as fits. Raises UnknownModel."""
    services, claimed = context.services, claimed_update.get()
    name = record.model or str(state.settings.get("model", "auto"))
    question = Message(Role.USER, parts)
    remembered = await recall(context, record, question)
    seen = await earlier_pictures(record, context, remembered.messages)
    shown = replace(question, parts=(*seen.parts, *parts)) if seen.parts else question
    request = ChatRequest(
        id=context.request_id,
        model=name,
        messages=_kept_brief(record, (*remembered.messages, shown, *await _variant(context, record))),
        max_output_tokens=record.output_tokens or None,
        epoch=claimed.epoch if claimed else 1,
        conversation=destination.conversation,
        pace=PACE,
        exclusions=state.exclusions,
    )
    footer = bool(state.settings.get("footer", services.config.footer))
    tables = bool(state.settings.get("tables", False))
    plan = state.tenant(services.plans).plan
    buttons = partial(answer_keyboard, context, record, request, plan) if state.settings.get("buttons", True) else None
    remarks = (*remembered.remarks, *seen.remarks)
    saver = AnswerSaver(context, destination, record, request, question, preview, footer, tables, remarks, buttons)
    if record.schedule_id:
        saver.heading, keyboard = await heading_of(context, record), run_keyboard(context, record)
        saver.buttons = lambda _: keyboard
    return saver


def _kept_brief(record: QuestionRecord, messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Return the messages. If the asker chose a shorter answer for its price, a message asks for brevity too."""
    if not record.output_tokens:
        return messages
    asked = messages[-1]
    brief = replace(asked, parts=(*asked.parts, Text(brief_instruction(record.output_tokens))))
    return (*messages[:-1], brief)


async def _variant(context: Context, record: QuestionRecord) -> tuple[Message, ...]:
    """Return the turns that ask for a variant of the current answer."""
    standing = record.answer_request_id
    if not record.variant or standing is None:
        return ()
    return variant_turns(
        record.variant,
        await context.services.db.read(lambda conn: conversations.answer(conn, record.tenant_id, standing)),
    )


async def file_limit_tokens(context: Context, record: QuestionRecord) -> int | None:
    """Return the tokens that the model can read of the question's files; None if unknown, or if there are no files."""
    if not record.content.all_files:
        return None
    return limit_of(context, await context.state(), record)


async def _answered(context: Context, saver: AnswerSaver) -> Completion | None:
    """Stream the answer until it is charged and in the outbox. Return None if it was stopped before any content.

    In a group, its wallet pays if it can cover the answer, else the asker pays.
    """
    services, destination, preview = context.services, saver.destination, saver.preview
    payer = await (context.tenant() if destination.is_private else asker_in_group(context, destination.chat_id))
    brake = await brake_for(context, saver.request, payer, saver.record)
    async with services.gateway.answer(payer, saver.request, finish=saver.finish, approve=brake.check) as answer:
        with services.answers.running(destination.chat_id, destination.thread, context.user.id, answer):
            await _show(answer, preview)
    if answer.completion is not None:
        await preview.end(saver.head)
        if preview.has_shown and not saver.is_shown:
            await services.db.write(lambda conn: outbox.mark_shown(conn, saver.request.id))
    return answer.completion


async def _show(answer: Answer, preview: Preview) -> None:
    """Show the text so far after each event. After a failover the new answer replaces the text."""
    text = ""
    async for event in answer:
        if isinstance(event, Restart):
            text = ""
        elif isinstance(event, Delta) and event.index == 0 and event.text:
            text += event.text
            preview.show(text)
