"""The transaction that ends an answer: charge, conversation, outbox and update; and the lines below the answer."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from telegram import InlineKeyboardMarkup

from bot.buttons import button, rows
from bot.context import Context, claimed_update
from bot.delivery.drafts import Preview
from bot.delivery.parts import file_payload, payload
from bot.delivery.rich_messages import RichPart
from bot.formatting.characters import clean, units
from bot.formatting.markdown import Piece, draft_of, rendered, with_tail
from bot.formatting.rich import TAIL_UNITS, Rich, enriched
from bot.spending.prices import price_of
from engine.attempt_record import ABANDONED, Receipt
from engine.chat import ChatRequest, Finish, Message, Role, says
from engine.completion import Completion
from engine.errors import HoldLost
from engine.money import Money
from engine.ports import CaptureStep
from engine.providers.registry import brand
from engine.tenancy import Charge
from storage.database.connection import Connection
from storage.schedules import scheduled_runs
from storage.telegram import conversations, inbox, outbox, questions, replaced_exchanges
from storage.telegram.inbox import ClaimedUpdate
from storage.telegram.questions import QuestionRecord, QuestionState

Translate = Callable[..., str]
MOST_MESSAGES = 5
"""A longer answer is sent as a file too."""
_ENDINGS = {Finish.REFUSED: "chat.filtered", Finish.LENGTH: "chat.length"}
_WITHOUT_TEXT = {Finish.LENGTH: "chat.all_thinking", Finish.STOP: "chat.no_text"}


@dataclass(frozen=True, slots=True)
class Destination:
    """The chat and thread of an answer. In groups it is a reply to the question."""

    chat_id: int
    thread_id: int | None
    is_private: bool
    reply_to: int | None

    @classmethod
    def of(cls, record: QuestionRecord) -> "Destination":
        place, private = record.place, record.is_private
        return cls(place.chat_id, place.thread_id or None, private, None if private else place.message_id)

    @property
    def thread(self) -> int:
        """The thread as the database stores it: 0 for none."""
        return self.thread_id or 0

    @property
    def conversation(self) -> str:
        return f"{self.chat_id}:{self.thread}"


@dataclass(slots=True)
class AnswerSaver:
    """Stores one answer. `finish` is the engine's Finisher; after it, `head` is the text of the first final message.

    `heading`: Markdown above the answer. `buttons` makes the buttons under it.
    """

    context: Context
    destination: Destination
    record: QuestionRecord
    request: ChatRequest
    question: Message
    preview: Preview
    with_footer: bool = False
    with_tables: bool = False
    remarks: tuple[str, ...] = ()
    buttons: Callable[[Completion], InlineKeyboardMarkup] | None = None
    head: str = ""
    heading: str = ""
    is_shown: bool = False

    async def finish(self, completion: Completion, receipt: Receipt) -> CaptureStep:
        """Render the answer, a long one in a thread. Return the step that runs in the transaction of the capture."""
        text = clean(completion.text) or self.context.t(no_text_key(completion))
        below = f"{self.heading}\n\n{text}" if self.heading else text
        shown = await enriched(below) if self.with_tables else None
        first = await rendered(shown.head if shown else below)
        rest = await rendered(shown.rest) if shown and shown.rest else []
        self.head = draft_of(first[0])
        keyboard = self.buttons(completion) if self.buttons is not None else None
        edit, self.is_shown = self.preview.take_over(), self.preview.has_shown
        claimed = claimed_update.get()

        def step(conn: Connection, charge: Charge) -> None:
            tail = self._tail(completion, charge, receipt)
            whole = with_tail([*first, *rest], tail)
            rich_part = self._rich_part(shown, tail, len(first) if rest else len(whole), keyboard) if shown else None
            parts = [self._payload(piece, edit, n, rich_part) for n, piece in enumerate(whole[:-1])]
            parts.append(self._payload(whole[-1], edit, len(parts), rich_part, keyboard))
            if len(whole) > MOST_MESSAGES:
                parts.append(file_payload(text, thread_id=self.destination.thread_id))
            self._write(conn, claimed, parts)
            self._let_stand(conn, text, stopped=completion.stopped)

        return step

    def _write(self, conn: Connection, claimed: ClaimedUpdate | None, parts: list[str]) -> None:
        """Write the outbox and finish the update. Raises HoldLost if another process has taken over the update."""
        services, request_id = self.context.services, self.request.id
        now = services.clock.now()
        place, asker = self.destination.chat_id, self.context.user.id
        outbox.put(conn, request_id, place, parts, services.lease_id, now, user_id=asker, shown=self.is_shown)
        if claimed is not None and not inbox.finish_all(conn, claimed, now):
            raise HoldLost(request_id)

    def _let_stand(self, conn: Connection, text: str, *, stopped: bool) -> None:
        """Store the answer in the conversation and the record. Raises HoldLost if another ask has begun.

        If the question was deleted meanwhile, nothing is stored.
        """
        record, destination, now = self.record, self.destination, self.context.services.clock.now()
        if not questions.exists(conn, record.id):
            return
        standing = record.answer_request_id
        replaced = replaced_exchanges.of(conn, standing) if standing else ""
        conversation = conversations.keep_exchange(
            conn,
            destination.chat_id,
            destination.thread,
            record.tenant_id,
            self.request.id,
            [self.question, says(Role.ASSISTANT, text)],
            now,
            replaces=standing,
            conversation_id=record.conversation_id if record.schedule_id else None,
        )
        state = QuestionState.CUT if stopped else QuestionState.ANSWERED
        stands = questions.answer(
            conn, record.id, self.request.id, conversation, state=state, now=now, replaced=replaced
        )
        if not stands:
            raise HoldLost(self.request.id)
        if record.schedule_id:
            scheduled_runs.settle_answer(conn, record.schedule_id, int(self.request.id.rpartition(":")[2]))

    def _tail(self, completion: Completion, charge: Charge, receipt: Receipt) -> str:
        t = self.context.t
        price = price_of(self.context.services.market.catalog, self.request.model, charge)
        shown_price = price if self.destination.is_private else None
        lines = [*self.remarks, *notes(t, completion, shown_price, receipt)]
        if self.with_footer:
            lines.append(footer(t, shown_price, completion.provider, receipt))
        return "\n".join(lines)

    def _payload(
        self,
        piece: Piece,
        edit: int | None,
        number: int,
        rich_part: RichPart | None,
        keyboard: InlineKeyboardMarkup | None = None,
    ) -> str:
        """Return a message for the outbox. Only the first part may be a reply, replace the placeholder, or be rich."""
        thread_id = self.destination.thread_id
        note = "" if self.destination.is_private else self.context.t("chat.elsewhere", chat=self._title())
        if number:
            return payload(piece, thread_id=thread_id, keyboard=keyboard, note=note)
        return payload(
            piece,
            thread_id=thread_id,
            reply_to=self.destination.reply_to,
            edit=edit,
            rich_part=rich_part,
            keyboard=keyboard,
            note=note,
        )

    def _title(self) -> str:
        chat = self.context.incoming.effective_chat if self.context.incoming else None
        return chat.title or "" if chat else ""

    def _rich_part(self, shown: Rich, tail: str, parts: int, above: InlineKeyboardMarkup | None) -> RichPart | None:
        """Return the rich message, with the tail if it is the last part; None if the tail does not fit."""
        below = "" if shown.rest else tail
        if units(below) > TAIL_UNITS:
            return None
        update_id = self.request.id.rpartition(":")[2]
        as_text = button(self.context.t("chat.as_text"), "settings", "text", update_id, owner=self.context.user.id)
        keyboard = rows([as_text])
        if above is not None and not shown.rest:
            keyboard = InlineKeyboardMarkup([*above.inline_keyboard, *keyboard.inline_keyboard])
        return RichPart(shown.message(below), keyboard.to_dict(), parts)


def notes(t: Translate, completion: Completion, price: Money | None, receipt: Receipt) -> list[str]:
    """Return lines about failovers, a stop, or an unusual end of the answer. In groups, `price` is None."""
    found = [
        t("chat.restarted", provider=brand(name), by=brand(completion.provider))
        for name in _replaced_providers(receipt)
    ]
    finish = completion.choices[0].finish if completion.choices else None
    if completion.stopped:
        found.append(_stop_note(t, price, has_text=bool(completion.text)))
    elif finish in _ENDINGS and completion.text:
        found.append(t(_ENDINGS[finish]))
    return found


def _stop_note(t: Translate, price: Money | None, *, has_text: bool) -> str:
    if price is None:
        return t("chat.stopped_group" if has_text else "chat.stopped_paid_group")
    return t("chat.stopped" if has_text else "chat.stopped_paid", paid=price)


def no_text_key(completion: Completion) -> str:
    """Return the key of the sentence that replaces an answer without text."""
    if completion.stopped:
        return "chat.stopped_first"
    finish = completion.choices[0].finish if completion.choices else None
    return _WITHOUT_TEXT.get(finish, "chat.refused") if finish else "chat.refused"


def _replaced_providers(receipt: Receipt) -> list[str]:
    """Return the providers whose content was shown and then replaced by another provider's."""
    lost = (each for each in receipt.attempts if not each.kept and each.first_token_ms is not None)
    return list(dict.fromkeys(each.provider for each in lost if each.outcome != ABANDONED))


def footer(t: Translate, price: Money | None, provider: str, receipt: Receipt) -> str:
    """Return the line, such as `0.04 ¢ · DeepSeek · 1.2 s`; without a price, only provider and duration."""
    values = {"provider": brand(provider), "seconds": seconds_of(receipt)}
    return t("chat.footer_group", **values) if price is None else t("chat.footer", price=price, **values)


def seconds_of(receipt: Receipt) -> Decimal:
    """Return the time of all attempts in seconds, with one decimal."""
    return (Decimal(sum(attempt.duration_ms for attempt in receipt.attempts)) / 1000).quantize(Decimal("0.1"))
