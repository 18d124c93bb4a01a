"""A message in, an answer out."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from telegram import Message as TelegramMessage
from telegram import MessageEntity, Update
from telegram.constants import ChatType

from bot import media
from bot.command import button, rows
from bot.context import Context, thread_of
from bot.render import Piece, render
from bot.sending import payload
from bot.services import claimed_update
from bot.stream import Draft, Edits, Preview
from bot.words import refusal
from engine.answer import Answer
from engine.attempt import Receipt
from engine.chat import ChatRequest, Completion, Delta, Message, Part, Restart, Role, Text
from engine.errors import Closing, EngineError, HoldLost
from engine.money import ZERO
from engine.ports import Also
from engine.tenancy import Charge
from storage import conversations, inbox, outbox
from storage.connection import Connection

log = logging.getLogger(__name__)
OLD = timedelta(hours=1)
ANONYMOUS = 1087968824


async def on_message(update: Update, context: Context) -> None:
    """Text, a photo or a file: asked, if it is meant for us."""
    message = update.message
    if message is None or not addressed(message, context):
        return
    if message.sender_chat is not None or context.user.id == ANONYMOUS:
        await context.reply(context.t("chat.anonymous"))
        return
    await context.state()
    try:
        parts = await media.parts(message, context, strip_mention(message, context))
    except media.Unreadable as error:
        await context.reply(context.t(error.key, **error.values))
        return
    if is_old(context) and await ask_first(message, context):
        return
    await respond(context, message, parts)


def addressed(message: TelegramMessage, context: Context) -> bool:
    """In private always; in groups when replied to or mentioned."""
    if message.chat.type == ChatType.PRIVATE:
        return True
    reply = message.reply_to_message
    if reply is not None and reply.from_user is not None and reply.from_user.id == context.bot.id:
        return True
    return f"@{context.bot.username}".lower() in (message.text or message.caption or "").lower()


def strip_mention(message: TelegramMessage, context: Context) -> str:
    text = message.text or message.caption or ""
    if message.chat.type == ChatType.PRIVATE:
        return text
    mention = f"@{context.bot.username}"
    start = text.lower().find(mention.lower())
    return (text[:start] + text[start + len(mention) :]).strip() if start >= 0 else text


def is_old(context: Context) -> bool:
    """Sent over an hour ago: whoever asked may not want to pay for it any more."""
    claimed = claimed_update.get()
    message = context.incoming.effective_message if context.incoming else None
    if claimed is None or message is None:
        return False
    now = context.services.clock.now()
    return now - message.date > OLD and now - message.date < timedelta(days=2)


async def ask_first(message: TelegramMessage, context: Context) -> bool:
    keyboard = rows([button(context.t("chat.answer_old"), "retry", "old", owner=context.user.id)])
    state, thread = await context.state(), thread_of(message) or 0
    said = Message(Role.USER, (Text(message.text or message.caption or ""),))
    await context.services.db.write(
        lambda conn: conversations.append(
            conn, message.chat.id, thread, state.id, context.request_id, [said], context.services.clock.now()
        )
    )
    await context.reply(context.t("chat.old"), keyboard)
    return True


async def respond(
    context: Context, message: TelegramMessage, parts: Sequence[Part], *, model: str | None = None
) -> None:
    """Ask, show the answer growing, and end with it sent; or say in one sentence why there is none."""
    await _Responding(context, message, tuple(parts), model).run()


class _Responding:
    """One prompt being answered in one chat."""

    def __init__(self, context: Context, message: TelegramMessage, parts: tuple[Part, ...], model: str | None) -> None:
        self._context, self._message, self._parts, self._model = context, message, parts, model
        self._services = context.services
        self._chat_id, self._thread_id = message.chat.id, thread_of(message)
        self._private = message.chat.type == ChatType.PRIVATE
        self.placeholder: int | None = None
        self._footer = False

    async def run(self) -> None:
        preview = await self._preview()
        try:
            request = await self._request()
            await preview.begin()
            completion = await self._stream(request, preview)
        except Closing:
            await preview.end(None)
            await self._leave_to_next_start()
            return
        except HoldLost:
            await preview.end(None)
            await self._context.courier.send(self._context.request_id)
            return
        except EngineError as error:
            await preview.end(None)
            text, keyboard = refusal(self._context, error)
            await self._context.reply(text, keyboard)
            return
        if completion is None:
            await preview.end(None)
            await self._context.reply(self._context.t("chat.stopped_empty"))
            return
        await self._context.courier.send(self._context.request_id)

    async def _leave_to_next_start(self) -> None:
        """The process stops: nothing was charged, and the next one asks again."""
        claimed = claimed_update.get()
        if claimed is not None:
            await self._services.db.write(lambda conn: inbox.give_back(conn, claimed.id, claimed.epoch))

    async def _preview(self) -> Preview:
        state = await self._context.state()
        limiter = self._context.bot.rate_limiter
        self._footer = bool(state.settings.get("footer", self._services.config.footer))
        if self._private and state.settings.get("stream", "draft") == "draft":
            return Draft(self._context.bot, limiter, self._chat_id, self._thread_id)  # type: ignore[arg-type]
        reply_to = None if self._private else self._message.message_id
        return Edits(self._context.bot, limiter, self._chat_id, self._thread_id, reply_to)  # type: ignore[arg-type]

    async def _request(self) -> ChatRequest:
        state = await self._context.state()
        memory = int(state.settings.get("memory", conversations.MOST_MESSAGES))
        thread = self._thread_id or 0
        past: tuple[Message, ...] = ()
        if memory:
            past = await self._services.db.read(
                lambda conn: conversations.history(conn, self._chat_id, thread, messages=memory)
            )
        claimed = claimed_update.get()
        return ChatRequest(
            id=self._context.request_id,
            model=self._model or str(state.settings.get("model", "auto")),
            messages=(*past, Message(Role.USER, self._parts)),
            epoch=claimed.epoch if claimed else 1,
            conversation=f"{self._chat_id}:{thread}",
        )

    async def _stream(self, request: ChatRequest, preview: Preview) -> Completion | None:
        """Show the words as they come; when this returns, the answer is charged and stands in the outbox."""
        tenant = await self._context.tenant()
        finisher = _Finisher(self, preview)
        async with self._services.gateway.answer(tenant, request, finish=finisher.finish) as answer:
            self._services.answers.begin(self._chat_id, self._thread_id or 0, answer)
            try:
                await self._show(answer, preview)
            finally:
                self._services.answers.end(self._chat_id, self._thread_id or 0)
        if answer.completion is not None:
            await preview.end(finisher.head)
        return answer.completion

    async def _show(self, answer: Answer, preview: Preview) -> None:
        text = ""
        async for event in answer:
            if isinstance(event, Restart):
                text = ""
            elif isinstance(event, Delta) and event.index == 0 and event.text:
                text += event.text
                preview.show(text)

    def write(
        self, conn: Connection, completion: Completion, pieces: list[Piece], charge: Charge, receipt: Receipt
    ) -> None:
        """In the capture's transaction: conversation, outbox, and the update done. Raises HoldLost when fenced off."""
        now, claimed = self._services.clock.now(), claimed_update.get()
        request_id = self._context.request_id
        said = [Message(Role.USER, self._parts), Message(Role.ASSISTANT, (Text(completion.text),))]
        tenant_id = self._tenant_id
        conversations.append(conn, self._chat_id, self._thread_id or 0, tenant_id, request_id, said, now)
        if self._footer:
            pieces = _with_footer(pieces, self._footer_text(completion, charge, receipt))
        reply_to = None if self._private else self._message.message_id
        parts = [
            payload(
                piece,
                thread_id=self._thread_id,
                reply_to=reply_to if not number else None,
                edit=self.placeholder if not number else None,
            )
            for number, piece in enumerate(pieces)
        ]
        outbox.put(conn, request_id, self._chat_id, parts, self._services.lease_id, now)
        if claimed is not None and not inbox.done(conn, claimed.id, claimed.epoch, now):
            raise HoldLost(request_id)

    @property
    def _tenant_id(self) -> int:
        state = self._context._state  # noqa: SLF001 - loaded before the road begins
        assert state is not None
        return state.id

    def _footer_text(self, completion: Completion, charge: Charge, receipt: Receipt) -> str:
        seconds = sum(attempt.duration_ms for attempt in receipt.attempts) / 1000
        paid = f"{charge.allowance_tokens:,} tokens" if charge.wallet == ZERO else cents(charge)
        return f"{paid} · {completion.provider} · {seconds:.1f} s"


class _Finisher:
    """Renders the answer on the loop, before the transaction that writes it."""

    def __init__(self, responding: _Responding, preview: Preview) -> None:
        self._responding, self._preview = responding, preview
        self.head = ""

    def finish(self, completion: Completion, receipt: Receipt) -> Also:
        text = completion.text or self._responding._context.t("chat.refused")  # noqa: SLF001 - its other half
        pieces = render(text)
        self.head = pieces[0].text
        self._responding.placeholder = self._preview.message_id
        claimed = claimed_update.get()

        def also(conn: Connection, charge: Charge) -> None:
            token = claimed_update.set(claimed)
            try:
                self._responding.write(conn, completion, pieces, charge, receipt)
            finally:
                claimed_update.reset(token)

        return also


def cents(charge: Charge) -> str:
    """As people say it: `0.04 ¢`."""
    return f"{float(charge.wallet.decimal * 100):.3g} ¢"


def _with_footer(pieces: list[Piece], footer: str) -> list[Piece]:
    last = pieces[-1]
    text = f"{last.text}\n\n{footer}"

    start = len(f"{last.text}\n\n".encode("utf-16-le")) // 2
    mark = MessageEntity("italic", start, len(footer.encode("utf-16-le")) // 2)
    if start + mark.length > 4096:  # noqa: PLR2004 - Telegram's
        return [*pieces, Piece(footer, (MessageEntity("italic", 0, mark.length),))]
    return [*pieces[:-1], Piece(text, (*last.entities, mark))]
