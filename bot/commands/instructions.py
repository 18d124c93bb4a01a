"""/instructions: a text from the user that is part of every prompt."""

from datetime import timedelta

from telegram import Update

from bot.buttons import button, rows
from bot.chat.pending_input import NONE, cancel_button, stop_waiting, wait_for_text
from bot.command import Command, Topic
from bot.context import Context, arguments, thread_of
from bot.groups.addressing import argument
from bot.questions.personas import found
from storage.telegram import conversation_memory
from storage.tenants import tenant_settings
from storage.tenants.tenant_settings import INSTRUCTIONS

MOST_CHARS = 2000
WAIT = timedelta(minutes=30)
CLEARING = frozenset({"off", "none", "clear", "delete", "remove", "tắt", "xóa", "xoá", "không"})
"""Words after the command that remove the text."""


async def instructions(update: Update, context: Context) -> None:
    """Show the instructions, or store the text after the command."""
    message = update.message
    if message is not None and argument(message).lower() in CLEARING:
        await clear(update, context, ())
        return
    if message is not None and arguments(context):
        await context.reply(await take(context, argument(message)) or context.t("instructions.kept"))
        return
    state = await context.state(fresh=True)
    text, owner = str(state.settings.get(INSTRUCTIONS, "")), context.user.id
    persona = await _persona_name(context, thread_of(message) or 0)
    buttons = [button(context.t("instructions.change"), "instructions", "change", owner=owner)]
    if text:
        buttons.append(button(context.t("instructions.clear"), "instructions", "clear", owner=owner))
    buttons.append(button(context.t("instructions.personas"), "persona", "open", owner=owner))
    shown = context.t("instructions.head", text=text, persona=persona)
    await context.reply(shown if text else context.t("instructions.none", persona=persona), rows(buttons))


async def _persona_name(context: Context, thread: int) -> str:
    chat_id = context.user.id
    reference = await context.services.db.read(lambda conn: conversation_memory.persona_of(conn, chat_id, thread))
    persona = await found(context, reference)
    return persona.name if persona is not None else context.t("persona.nobody")


async def change(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """Ask for the new text, and wait for it."""
    await wait_for_text(context, "instructions", WAIT)
    keyboard = rows([cancel_button(context, "instructions")])
    await context.edit_or_reply(context.t("instructions.ask", most=MOST_CHARS), keyboard)


async def take_text(context: Context, text: str) -> str | None:
    objection = await take(context, text)
    if objection is None:
        await context.reply(context.t("instructions.kept"))
    return objection


async def take(context: Context, text: str) -> str | None:
    """Store the instructions; return a sentence if they are too long."""
    if len(text) > MOST_CHARS:
        return context.t("instructions.long", most=MOST_CHARS, n=len(text))
    await _store(context, text)
    return None


async def clear(_: Update, context: Context, __: tuple[str, ...]) -> None:
    await _store(context, None)
    await context.edit_or_reply(context.t("instructions.cleared"))


async def cancel(_: Update, context: Context, __: tuple[str, ...]) -> None:
    await stop_waiting(context)
    await context.edit_or_reply(context.t("instructions.unchanged"))


async def _store(context: Context, text: str | None) -> None:
    tenant_id = (await context.state()).id
    await context.services.db.write(lambda conn: tenant_settings.set_setting(conn, tenant_id, INSTRUCTIONS, text))


COMMAND = Command(
    "instructions",
    instructions,
    5,
    topic=Topic.CONVERSATIONS,
    buttons={"change": change, "clear": clear, NONE: cancel},
    take_text=take_text,
)
