"""A tenant's private conversations: listed, searched, read, renamed, resumed in the chat, deleted."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from engine.ports import Clock
from locales.formats import without_marks
from storage.database.connection import row_number
from storage.database.database import Database
from storage.telegram import conversation_list
from storage.telegram.conversation_list import ConversationLine
from web.errors import HttpProblem, bad_request, not_found
from web.miniapp.access import MiniAppUser, current_user
from web.miniapp.answers import PRIVATE, app_errors, text
from web.miniapp.limits import TelegramCalls
from web.miniapp.payments.ports import Payments
from web.miniapp.payments.topup import bot_link
from web.openapi_parts import BODY_ERRORS
from web.schema_fields import In, Plain, utc_text

User = Annotated[MiniAppUser, Depends(current_user)]
PER_PAGE, MESSAGES = 20, 50
MOST_TITLE = 60


class ConversationOut(BaseModel):
    id: str
    title: str
    questions: int
    last_at: str
    is_open: bool


class ConversationListOut(BaseModel):
    data: list[ConversationOut]
    next: str | None = Field(description="The `cursor` of older ones")


class MessageOut(BaseModel):
    role: str = Field(examples=["user"])
    text: str
    at: str


class ConversationReadOut(ConversationOut):
    """A conversation with the newest messages before `cursor`, oldest first."""

    messages: list[MessageOut]
    older: str | None = Field(description="The `cursor` of older messages")


class RenameIn(In):
    title: Plain = Field(min_length=1, max_length=200)


class ResumedOut(BaseModel):
    text: str
    link: str | None = Field(description="The chat in Telegram; null while Telegram does not answer")


@dataclass(frozen=True, slots=True)
class ConversationPages:
    """Reads and changes the conversations of the user's private chat."""

    db: Database
    clock: Clock
    payments: Payments | None
    calls: TelegramCalls

    async def page(self, user: MiniAppUser, offset: int, search: str) -> ConversationListOut:
        """Return a page, latest first; with `search`, only conversations in which one message has all its words."""
        chat = _chat(user)
        if words := search.split():
            found = await self.db.read(lambda conn: conversation_list.search(conn, chat, words))
            return ConversationListOut(data=[_line(user, each) for each in found], next=None)
        found = await self.db.read(lambda conn: conversation_list.page(conn, chat, offset=offset, limit=PER_PAGE + 1))
        older = str(offset + PER_PAGE) if len(found) > PER_PAGE else None
        return ConversationListOut(data=[_line(user, each) for each in found[:PER_PAGE]], next=older)

    async def read(self, user: MiniAppUser, text_id: str, before: int | None) -> ConversationReadOut:
        line = await self._find(user, text_id)
        said = await self.db.read(
            lambda conn: conversation_list.messages(conn, _chat(user), line.id, before=before, limit=MESSAGES + 1)
        )
        shown = said[-MESSAGES:]
        older = str(shown[0].id) if len(said) > MESSAGES else None
        rows = [MessageOut(role=each.role, text=each.text, at=utc_text(each.at)) for each in shown]
        return ConversationReadOut(**_fields(user, line), messages=rows, older=older)

    async def rename(self, user: MiniAppUser, text_id: str, title: str) -> ConversationOut:
        """Rename a conversation, to at most MOST_TITLE characters on one line. Raises HttpProblem 400 or 404."""
        line, name = await self._find(user, text_id), " ".join(title.split())[:MOST_TITLE]
        if not name:
            raise bad_request("title", "title: write at least one character.")
        await self.db.write(lambda conn: conversation_list.rename(conn, _chat(user), line.id, name))
        return _line(user, await self._find(user, text_id))

    async def resume(self, user: MiniAppUser, text_id: str) -> ResumedOut:
        """Reopen a conversation in its thread, and announce it in the chat."""
        line, now, chat = await self._find(user, text_id), self.clock.now(), _chat(user)
        self.calls.count(user.state.id)
        done = await self.db.write(lambda conn: conversation_list.resume(conn, chat, line.thread_id, line.id, now))
        if not done:
            raise _gone(user)
        title = title_of(user, line)
        if self.payments is not None:
            await self.payments.notices.notify(chat, "history.resumed", {"title": title})
        return ResumedOut(text=text(user, "history.resumed", title=title), link=await self._chat_link())

    async def delete(self, user: MiniAppUser, text_id: str) -> None:
        line = await self._find(user, text_id)
        await self.db.write(lambda conn: conversation_list.delete(conn, _chat(user), line.id))

    async def _find(self, user: MiniAppUser, text_id: str) -> ConversationLine:
        """Return a conversation of the user's own chat. Raises HttpProblem 404."""
        number = row_number(text_id)
        found = (
            None
            if number is None
            else await self.db.read(lambda conn: conversation_list.find(conn, _chat(user), number))
        )
        if found is None:
            raise _gone(user)
        return found

    async def _chat_link(self) -> str | None:
        if self.payments is None:
            return None
        try:
            return bot_link(await self.payments.stars.username())
        except OSError:
            return None


def title_of(user: MiniAppUser, line: ConversationLine) -> str:
    """Return the name of a conversation: the one it was given, else its first words."""
    return line.title or _shortened(line.first_text) or text(user, "history.untitled")


def _shortened(words: str) -> str:
    """Return the first words without marks, whole unless one is longer than half a title."""
    words = without_marks(words)
    if len(words) <= MOST_TITLE:
        return words
    head = words[: MOST_TITLE - 1]
    last = head.rfind(" ") if not words[MOST_TITLE - 1].isspace() else -1
    return (head[:last] if last > MOST_TITLE // 2 else head).rstrip() + "…"


def _line(user: MiniAppUser, line: ConversationLine) -> ConversationOut:
    return ConversationOut(**_fields(user, line))


def _fields(user: MiniAppUser, line: ConversationLine) -> dict[str, Any]:
    return {
        "id": str(line.id),
        "title": title_of(user, line),
        "questions": line.questions,
        "last_at": utc_text(line.last_at),
        "is_open": line.is_open,
    }


def _chat(user: MiniAppUser) -> int:
    """Return the id of the user's private chat, which equals the user's id."""
    assert user.state.telegram_user_id is not None
    return user.state.telegram_user_id


def _gone(user: MiniAppUser) -> HttpProblem:
    return not_found(text(user, "history.gone"))


def router(pages: ConversationPages) -> APIRouter:
    routes = APIRouter(prefix="/app/conversations", tags=["mini app"])

    @routes.get("", summary="Your private conversations", responses=app_errors(400))
    async def page(
        user: User,
        response: Response,
        search: Annotated[str, Query(max_length=200)] = "",
        cursor: Annotated[int, Query(ge=0, lt=10**9)] = 0,
    ) -> ConversationListOut:
        response.headers.update(PRIVATE)
        return await pages.page(user, cursor, search)

    @routes.get("/{conversation_id}", summary="One conversation with its messages", responses=app_errors(400, 404))
    async def read(
        user: User,
        conversation_id: str,
        response: Response,
        cursor: Annotated[int | None, Query(ge=0, lt=2**63)] = None,
    ) -> ConversationReadOut:
        response.headers.update(PRIVATE)
        return await pages.read(user, conversation_id, cursor)

    @routes.put("/{conversation_id}", summary="Rename a conversation", responses=app_errors(*BODY_ERRORS, 404))
    async def rename(user: User, conversation_id: str, asked: RenameIn, response: Response) -> ConversationOut:
        response.headers.update(PRIVATE)
        return await pages.rename(user, conversation_id, asked.title)

    @routes.post("/{conversation_id}/resume", summary="Go on with it in the chat", responses=app_errors(404))
    async def resume(user: User, conversation_id: str, response: Response) -> ResumedOut:
        response.headers.update(PRIVATE)
        return await pages.resume(user, conversation_id)

    @routes.delete("/{conversation_id}", status_code=204, summary="Delete a conversation", responses=app_errors(404))
    async def delete(user: User, conversation_id: str) -> Response:
        await pages.delete(user, conversation_id)
        return Response(status_code=204)

    return routes
