"""/new, /stop, /retry, /ask: commands of the conversation."""

from telegram import Update

from bot.chat.answering import respond
from bot.command import Command
from bot.context import Context, arguments, thread_of
from bot.formatting.rich import words_of
from bot.groups.senders import is_chat_admin
from engine.chat import Part, Text
from storage.telegram import conversations


async def new(update: Update, context: Context) -> None:
    message = update.message
    assert message is not None
    thread, now = thread_of(message) or 0, context.services.clock.now()
    ended = await context.services.db.write(lambda conn: conversations.reset(conn, message.chat.id, thread, now))
    await context.reply(context.t("new.done" if ended else "new.nothing"))


async def stop(update: Update, context: Context) -> None:
    """Stop the user's own answer; as an admin of the group, anyone's. A stopped answer says so itself."""
    message = update.message
    assert message is not None
    answers, place = context.services.answers, (message.chat.id, thread_of(message) or 0)
    if answers.stop(*place, context.user.id):
        return
    if not answers.has_any(*place):
        await context.reply(context.t("stop.nothing"))
    elif await is_chat_admin(context, message.chat.id):
        answers.stop(*place)
    else:
        await context.reply(context.t("stop.not_yours"))


async def retry(update: Update, context: Context) -> None:
    message = update.message
    assert message is not None
    model = arguments(context)[0] if arguments(context) else None
    await _again(context, message.chat.id, thread_of(message) or 0, update, model)


async def answer_old(update: Update, context: Context, _: tuple[str, ...]) -> None:
    """Answer a question that arrived while the bot was offline."""
    query = update.callback_query
    assert query is not None
    await query.answer()
    message = query.message
    assert message is not None
    await _again(context, message.chat.id, thread_of(message) or 0, update, None)


async def _again(context: Context, chat_id: int, thread: int, update: Update, model: str | None) -> None:
    tenant_id = (await context.state()).id
    asked = await context.services.db.write(lambda conn: conversations.remove_last(conn, chat_id, thread, tenant_id))
    message = update.effective_message
    if asked is None or message is None:
        await context.reply(context.t("retry.nothing"))
        return
    await respond(context, message, asked, model=model)


async def ask(update: Update, context: Context) -> None:
    message = update.message
    assert message is not None
    question = " ".join(arguments(context))
    parts: list[Part] = [Text(question)] if question else []
    reply = message.reply_to_message
    quoted = (reply.text or reply.caption or words_of(reply)) if reply is not None else ""
    if quoted:
        parts.insert(0, Text(f"> {quoted}\n\n"))
    if not parts:
        await context.reply(context.t("ask.usage"))
        return
    await respond(context, message, parts)


COMMANDS = (
    Command("new", new, 1, private_only=False),
    Command("stop", stop, 2, private_only=False),
    Command("retry", retry, 3, private_only=False, buttons={"old": answer_old}),
    Command("ask", ask, 4, private_only=False),
)
