"""What is kept of an answer: conversation, outbox and update, in the transaction that charges for it."""

from dataclasses import dataclass

from telegram import Message as TelegramMessage
from telegram.constants import ChatType
from telegramify_markdown import utf16_len

from bot.buttons import button, rows
from bot.chat.footer import footer, notes
from bot.context import Context, claimed_update, thread_of
from bot.delivery.courier import payload
from bot.delivery.drafts import Preview
from bot.delivery.rich_messages import Tables
from bot.formatting.markdown import Piece, clean, render, with_tail
from bot.formatting.rich import TAIL_UNITS, Rich, rich
from engine.attempt_record import Receipt
from engine.chat import ChatRequest, Completion, Role, says
from engine.errors import HoldLost
from engine.ports import CaptureStep
from engine.tenancy import Charge
from storage.database.connection import Connection
from storage.telegram import conversations, inbox, outbox
from storage.telegram.inbox import ClaimedUpdate


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer goes. In groups it is a reply to its question."""

    chat_id: int
    thread_id: int | None
    is_private: bool
    reply_to: int | None

    @classmethod
    def of(cls, message: TelegramMessage) -> "Place":
        private = message.chat.type == ChatType.PRIVATE
        return cls(message.chat.id, thread_of(message), private, None if private else message.message_id)

    @property
    def thread(self) -> int:
        """As the books know it: 0 for none."""
        return self.thread_id or 0

    @property
    def conversation(self) -> str:
        return f"{self.chat_id}:{self.thread}"


@dataclass(slots=True)
class AnswerSaver:
    """`finish` is the engine's Finisher. `head` is what the final message begins with, once there is one."""

    context: Context
    place: Place
    tenant_id: int
    request: ChatRequest
    preview: Preview
    with_footer: bool = False
    with_tables: bool = False
    remarks: tuple[str, ...] = ()
    head: str = ""

    def finish(self, completion: Completion, receipt: Receipt) -> CaptureStep:
        """Rendered here, on the loop; what it returns runs in the capture's transaction."""
        text = clean(completion.text) or self.context.t("chat.refused")
        shown = rich(text) if self.with_tables else None
        first = render(shown.head if shown else text)
        rest = render(shown.rest) if shown and shown.rest else []
        self.head = first[0].text
        edit = self.preview.take_over()
        claimed = claimed_update.get()

        def also(conn: Connection, charge: Charge) -> None:
            tail = self._tail(completion, charge, receipt)
            whole = with_tail([*first, *rest], tail)
            tables = self._tables(shown, tail, len(first) if rest else len(whole)) if shown else None
            parts = [self._payload(piece, edit, n, tables) for n, piece in enumerate(whole)]
            self._write(conn, claimed, text, parts)

        return also

    def _write(self, conn: Connection, claimed: ClaimedUpdate | None, text: str, parts: list[str]) -> None:
        """Raises HoldLost when a later try has taken over."""
        services, place, request_id = self.context.services, self.place, self.request.id
        now = services.clock.now()
        said = [self.request.messages[-1], says(Role.ASSISTANT, text)]
        conversations.append(conn, place.chat_id, place.thread, self.tenant_id, request_id, said, now)
        outbox.put(conn, request_id, place.chat_id, parts, services.lease_id, now)
        if claimed is not None and not inbox.finish_all(conn, claimed, now):
            raise HoldLost(request_id)

    def _tail(self, completion: Completion, charge: Charge, receipt: Receipt) -> str:
        t = self.context.t
        lines = [*self.remarks, *notes(t, completion, charge, receipt)]
        if self.with_footer:
            lines.append(footer(t, completion, charge, receipt))
        return "\n".join(lines)

    def _payload(self, piece: Piece, edit: int | None, number: int, tables: Tables | None) -> str:
        """Only the first part answers the question, takes the placeholder's place, and may be a rich message."""
        if number:
            return payload(piece, thread_id=self.place.thread_id)
        return payload(piece, thread_id=self.place.thread_id, reply_to=self.place.reply_to, edit=edit, tables=tables)

    def _tables(self, shown: Rich, tail: str, parts: int) -> Tables | None:
        """The tail stands below the last message. None where it is too long for this one."""
        below = "" if shown.rest else tail
        if utf16_len(below) > TAIL_UNITS:
            return None
        update_id = self.request.id.rpartition(":")[2]
        as_text = button(self.context.t("chat.as_text"), "settings", "text", update_id, owner=self.context.user.id)
        return Tables(shown.message(below), rows([as_text]).to_dict(), parts)
