"""One prompt answered in one chat: asked, shown as it grows, and sent."""

from collections.abc import Sequence
from functools import partial

from telegram import Message as TelegramMessage

from bot.chat import history
from bot.chat.answer_saver import AnswerSaver, Place
from bot.context import Context, claimed_update
from bot.delivery.drafts import DraftPreview, Preview
from bot.delivery.edits import EditPreview
from bot.error_texts import refusal
from engine.chat import ChatRequest, Completion, Delta, Message, Part, Restart, Role
from engine.errors import Closing, EngineError, HoldLost
from engine.gateway.answer import Answer
from storage.telegram import conversations, inbox
from storage.tenants.tenants import TenantState

GULP_SECONDS = 0.25  # frames are further apart: to read each word by itself costs more than all the rest


async def respond(
    context: Context, message: TelegramMessage, parts: Sequence[Part], *, model: str | None = None
) -> None:
    """Ask, show the answer growing, and end with it sent; or say in one sentence why there is none."""
    place, state = Place.of(message), await context.state()
    preview = _preview(context, place, state)
    try:
        async with preview:
            keeper = await _prepared(context, place, state, preview, tuple(parts), model)
            completion = await _answered(context, keeper)
    except EngineError as error:
        await refused(context, error)
    else:
        if completion is None:
            await context.reply(context.t("chat.stopped_empty"))
        else:
            await context.courier.send(context.request_id)


async def refused(context: Context, error: EngineError) -> None:
    """Say why there is no answer; what can be answered yet is left to who can."""
    if isinstance(error, HoldLost):
        await context.courier.send(context.request_id)  # answered before: should it not have been sent, it is now
        return
    if isinstance(error, Closing):
        await _leave_to_next_start(context)
    await context.reply(*refusal(context, error))


def _preview(context: Context, place: Place, state: TenantState) -> Preview:
    limiter = context.limiter
    if place.is_private and state.settings.get("stream", "draft") == "draft":
        return DraftPreview(context.bot, limiter, place.chat_id, place.thread_id)
    return EditPreview(context.bot, limiter, place.chat_id, place.thread_id, place.reply_to, context.services.turns)


async def _prepared(
    context: Context, place: Place, state: TenantState, preview: Preview, parts: tuple[Part, ...], model: str | None
) -> AnswerSaver:
    """The request with as much of the conversation as goes with it. Raises UnknownModel."""
    services, claimed = context.services, claimed_update.get()
    name = model or str(state.settings.get("model", "auto"))
    asked = Message(Role.USER, parts)
    past = await _past(context, place, state)
    kept = _fitting(context, state, name, past, asked)
    request = ChatRequest(
        id=context.request_id,
        model=name,
        messages=(*kept, asked),
        epoch=claimed.epoch if claimed else 1,
        conversation=place.conversation,
        gulp_seconds=GULP_SECONDS,
    )
    remarks: tuple[str, ...] = ()
    if len(kept) < len(past) and services.answers.is_first_shortening(place.chat_id, place.thread):
        remarks = (context.t("chat.forgot"),)
    footer = bool(state.settings.get("footer", services.config.footer))
    tables = bool(state.settings.get("tables", False))
    return AnswerSaver(context, place, state.id, request, preview, footer, tables, remarks)


async def _past(context: Context, place: Place, state: TenantState) -> tuple[Message, ...]:
    most = int(state.settings.get("memory", conversations.MOST_MESSAGES))
    if not most:
        return ()
    return await context.services.db.read(
        lambda conn: conversations.history(conn, place.chat_id, place.thread, messages=most)
    )


def _fitting(
    context: Context, state: TenantState, name: str, past: tuple[Message, ...], asked: Message
) -> tuple[Message, ...]:
    """The oldest turns go where the model's context is too short for all of them."""
    services = context.services
    if not past or sum(map(history.tokens, (*past, asked))) < history.ALWAYS_FITS_TOKENS:
        return past
    output_tokens = state.tenant(services.plans).plan.max_output_tokens
    room = history.room_tokens(services.market.catalog, name, output_tokens)
    return past if room is None else history.fitted(past, asked, room)


async def _answered(context: Context, keeper: AnswerSaver) -> Completion | None:
    """When this returns, the answer is charged and stands in the outbox; None: stopped before its first word."""
    services, place, preview = context.services, keeper.place, keeper.preview
    async with services.gateway.answer(await context.tenant(), keeper.request, finish=keeper.finish) as answer:
        services.answers.begin(place.chat_id, place.thread, answer)
        try:
            await _show(answer, preview)
        finally:
            services.answers.end(place.chat_id, place.thread)
    if answer.completion is not None:
        await preview.end(keeper.head)
    return answer.completion


async def _show(answer: Answer, preview: Preview) -> None:
    """Words as they come; when another provider begins anew, its first ones replace all that were there."""
    text = ""
    async for event in answer:
        if isinstance(event, Restart):
            text = ""
        elif isinstance(event, Delta) and event.index == 0 and event.text:
            text += event.text
            preview.show(text)


async def _leave_to_next_start(context: Context) -> None:
    """The process stops: nothing was charged, and the next one asks again."""
    claimed = claimed_update.get()
    for each in (claimed, *claimed.rest) if claimed is not None else ():
        await context.services.db.write(partial(inbox.release, inbox_id=each.id, epoch=each.epoch))
