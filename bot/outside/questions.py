"""Questions from chats that the bot is not in, answered in one message: in guest mode, or as an inline result.

The sender pays. Nothing is sent to the chat itself: its message is edited by its inline id. No conversation is stored.
"""

import logging
from dataclasses import dataclass

from telegram import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InputTextMessageContent,
    Update,
)
from telegram.error import TelegramError

from bot.context import Context, claimed_update
from bot.delivery.parts import inline_payload
from bot.formatting.characters import clean
from bot.formatting.markdown import render, rendered
from bot.groups.addressing import is_anonymous, is_other_bot, own_words
from bot.questions.lost_holds import after_lost_hold
from bot.questions.personas import system_text
from bot.spending.brake import AskFirst, brake_for
from engine.attempt_record import Receipt
from engine.chat import ChatRequest, Role, says
from engine.completion import Completion
from engine.errors import EngineError, HoldLost
from engine.ports import CaptureStep
from engine.tenancy import Charge
from storage.database.connection import Connection
from storage.telegram import inbox, outbox

log = logging.getLogger(__name__)
OFF, GUEST, INLINE = "off", "guest", "inline"
MOST_TOKENS = 800
"""The output limit: an answer is one message."""
RESULT_ID, MOST_TITLE_CHARS = "ask", 60


async def on_guest(update: Update, context: Context) -> None:
    """Answer a mention of the bot in a chat that it is not in. Its query accepts one message, which is edited later."""
    message = update.guest_message
    if message is None or message.guest_query_id is None or not _is_on(context, GUEST):
        return
    if is_anonymous(message) or is_other_bot(message):
        return
    words = own_words(message, context)
    claimed = claimed_update.get()
    if not words or (claimed is not None and claimed.epoch > 1):
        return  # after a crash the query can't be used again, and nothing was charged
    try:
        sent = await context.bot.answer_guest_query(message.guest_query_id, _article(context, words))
    except TelegramError as error:
        log.info("a guest's question is not answered: %s", error)
        return
    if sent.inline_message_id:
        await _answer(context, sent.inline_message_id, words)


async def on_inline_query(update: Update, context: Context) -> None:
    """Offer one result that asks the words typed so far.

    No model is called, because each pause in typing sends a query.
    """
    query = update.inline_query
    if query is None:
        return
    words = query.query.strip()
    results = [_article(context, words)] if words and _is_on(context, INLINE) else []
    try:
        await query.answer(results, cache_time=0, is_personal=True)
    except TelegramError as error:
        log.debug("an inline query is not answered: %s", error)


async def on_chosen(update: Update, context: Context) -> None:
    """Answer the question of a chosen result, in its message."""
    chosen = update.chosen_inline_result
    if chosen is None or chosen.inline_message_id is None or not _is_on(context, INLINE):
        return
    await _answer(context, chosen.inline_message_id, chosen.query.strip())


def _is_on(context: Context, mode: str) -> bool:
    return context.services.config.outside == mode


def _article(context: Context, words: str) -> InlineQueryResultArticle:
    """Return the message to answer in. Only with a keyboard does Telegram report its id when it is chosen."""
    asked = InputTextMessageContent(context.t("outside.asked", question=words)[:4000])
    return InlineQueryResultArticle(
        RESULT_ID,
        context.t("outside.title"),
        asked,
        reply_markup=_keyboard(context),
        description=words[:MOST_TITLE_CHARS],
    )


def _keyboard(context: Context) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(context.t("button.private"), url=context.private_link("help"))]])


async def _answer(context: Context, inline_message_id: str, words: str) -> None:
    """Answer in that message; if that fails, explain it there without figures, because others can read it."""
    outside = _Outside(context, inline_message_id, await _request(context, words))
    try:
        await outside.ask()
    except HoldLost as error:
        if not await after_lost_hold(context, error):
            await outside.refuse()
    except (AskFirst, EngineError) as error:
        log.info("a question from outside is not answered: %s", type(error).__name__)
        await outside.refuse()


async def _request(context: Context, words: str) -> ChatRequest:
    claimed, system = claimed_update.get(), await system_text(context, "")
    turns = (says(Role.SYSTEM, system), says(Role.USER, words)) if system else (says(Role.USER, words),)
    return ChatRequest(
        id=context.request_id,
        model=str((await context.state()).settings.get("model", "auto")),
        messages=turns,
        max_output_tokens=MOST_TOKENS,
        epoch=claimed.epoch if claimed else 1,
    )


@dataclass(frozen=True, slots=True)
class _Outside:
    """One question, and the inline message for its answer."""

    context: Context
    inline_message_id: str
    request: ChatRequest

    async def ask(self) -> None:
        """Answer the question. Raises EngineError or AskFirst."""
        context = self.context
        tenant = await context.tenant()
        brake = await brake_for(context, self.request, tenant)
        answering = context.services.gateway.answer(tenant, self.request, finish=self._finish, approve=brake.check)
        async with answering as answer:
            await answer.whole()
        await context.courier.send(context.request_id)

    async def _finish(self, completion: Completion, _: Receipt) -> CaptureStep:
        pieces = await rendered(clean(completion.text) or self.context.t("chat.no_text"))
        content = inline_payload(pieces[0], self.inline_message_id, _keyboard(self.context))
        claimed, services = claimed_update.get(), self.context.services

        def step(conn: Connection, _: Charge) -> None:
            now, user_id = services.clock.now(), self.context.user.id
            outbox.put(conn, self.request.id, 0, [content], services.lease_id, now, user_id=user_id, shown=False)
            if claimed is not None and not inbox.finish_all(conn, claimed, now):
                raise HoldLost(self.request.id)

        return step

    async def refuse(self) -> None:
        piece = render(self.context.t("outside.refused"))[0]
        try:
            await self.context.bot.edit_message_text(
                piece.text, inline_message_id=self.inline_message_id, reply_markup=_keyboard(self.context)
            )
        except TelegramError as error:
            log.info("a refusal could not be shown: %s", error)
