"""/history: the user's conversations in the private chat: paged, searched, resumed and deleted."""

from collections.abc import Sequence

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update

from bot.buttons import button
from bot.command import Command, Topic
from bot.context import Context, arguments, thread_of
from bot.formatting.literal import as_shown
from bot.questions.buttons import shortened
from storage.telegram import conversation_list
from storage.telegram.conversation_list import ConversationLine

PER_PAGE = 6


async def history(_: Update, context: Context) -> None:
    """List the conversations, or those that contain the words after the command."""
    if words := arguments(context):
        await _found(context, words)
    else:
        await context.reply(*await _page(context, 0))


async def _found(context: Context, words: Sequence[str]) -> None:
    chat_id, query = context.user.id, " ".join(words)
    lines = await context.services.db.read(lambda conn: conversation_list.search(conn, chat_id, list(words)))
    if not lines:
        await context.reply(context.t("history.not_found", words=as_shown(query)))
        return
    keyboard = [[_line(context, line, 0)] for line in lines]
    await context.reply(context.t("history.found", words=as_shown(query)), InlineKeyboardMarkup(keyboard))


async def _page(context: Context, number: int) -> tuple[str, InlineKeyboardMarkup | None]:
    chat_id, offset = context.user.id, number * PER_PAGE
    lines = await context.services.db.read(
        lambda conn: conversation_list.page(conn, chat_id, offset=offset, limit=PER_PAGE + 1)
    )
    if not lines:
        return context.t("history.none"), None
    rows = [[_line(context, line, number)] for line in lines[:PER_PAGE]]
    turns = [_to_page(context, context.t("history.newer"), number - 1)] if number else []
    if len(lines) > PER_PAGE:
        turns.append(_to_page(context, context.t("history.older"), number + 1))
    return context.t("history.head"), InlineKeyboardMarkup([*rows, turns] if turns else rows)


async def turn(_: Update, context: Context, args: tuple[str, ...]) -> None:
    await context.edit_or_reply(*await _page(context, int(args[0])))


async def show(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Show one conversation, with buttons to resume or delete it."""
    line, number = await _conversation(context, args[0]), int(args[1])
    if line is None:
        await context.edit_or_reply(*await _page(context, number))
        return
    text = context.t("history.one", title=title_of(context, line), day=line.last_at, n=line.questions)
    if line.is_open:
        text += context.t("history.is_open")
    owner = context.user.id
    rows = [
        [
            button(context.t("history.resume"), "history", "resume", line.id, owner=owner),
            button(context.t("history.delete"), "history", "ask", line.id, number, owner=owner),
        ],
        [_to_page(context, context.t("history.back"), number)],
    ]
    await context.edit_or_reply(text, InlineKeyboardMarkup(rows))


async def resume(update: Update, context: Context, args: tuple[str, ...]) -> None:
    """Continue a conversation in this thread of the chat."""
    line, query = await _conversation(context, args[0]), update.callback_query
    assert query is not None
    chat_id, thread, now = context.user.id, thread_of(query.message) or 0, context.services.clock.now()
    is_resumed = line is not None and await context.services.db.write(
        lambda conn: conversation_list.resume(conn, chat_id, thread, int(args[0]), now)
    )
    if line is None or not is_resumed:
        await context.edit_or_reply(context.t("history.gone"))
    else:
        await context.edit_or_reply(context.t("history.resumed", title=title_of(context, line)))


async def ask_to_delete(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Ask for confirmation before deleting, because it can't be undone."""
    line = await _conversation(context, args[0])
    if line is None:
        await context.edit_or_reply(context.t("history.gone"))
        return
    owner = context.user.id
    rows = [
        [
            button(context.t("forget.yes"), "history", "delete", line.id, args[1], owner=owner),
            button(context.t("button.cancel"), "history", "show", line.id, args[1], owner=owner),
        ]
    ]
    await context.edit_or_reply(
        context.t("history.sure", title=title_of(context, line), n=line.questions), InlineKeyboardMarkup(rows)
    )


async def delete(_: Update, context: Context, args: tuple[str, ...]) -> None:
    chat_id = context.user.id
    await context.services.db.write(lambda conn: conversation_list.delete(conn, chat_id, int(args[0])))
    text, keyboard = await _page(context, int(args[1]))
    await context.edit_or_reply(f"{context.t('history.deleted')}\n\n{text}", keyboard)


def title_of(context: Context, line: ConversationLine) -> str:
    """Return the name of a conversation: the one it was given, else its first words."""
    return line.title or shortened(line.first_text) or context.t("history.untitled")


async def _conversation(context: Context, number: str) -> ConversationLine | None:
    chat_id = context.user.id
    return await context.services.db.read(lambda conn: conversation_list.find(conn, chat_id, int(number)))


def _line(context: Context, line: ConversationLine, number: int) -> InlineKeyboardButton:
    label = f"• {title_of(context, line)}" if line.is_open else title_of(context, line)
    return button(label, "history", "show", line.id, number, owner=context.user.id)


def _to_page(context: Context, label: str, number: int) -> InlineKeyboardButton:
    return button(label, "history", "page", number, owner=context.user.id)


COMMAND = Command(
    "history",
    history,
    4,
    topic=Topic.CONVERSATIONS,
    buttons={"page": turn, "show": show, "resume": resume, "ask": ask_to_delete, "delete": delete},
)
