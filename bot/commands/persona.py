"""/persona: how the model answers in a conversation: a built-in persona, or one of the user's own."""

from datetime import timedelta

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update

from bot.buttons import button
from bot.chat.pending_input import NONE, cancel_button, stop_waiting, wait_for_text
from bot.command import Command, Topic
from bot.context import Context, arguments, thread_of
from bot.formatting.literal import as_code
from bot.questions import personas as known
from storage.database.connection import Connection
from storage.telegram import conversation_memory
from storage.tenants import personas, tenant_settings
from storage.tenants.personas import MOST_PERSONAS, Persona

MOST_NAME_CHARS, MOST_PROMPT_CHARS = 40, 2000
WAIT = timedelta(minutes=30)
NO_PERSONA = "none"
EDITED = "edited_persona"
"""The tenant's setting with the persona that the next text changes; 0: a new one."""


async def persona(update: Update, context: Context) -> None:
    """Show the personas, or choose the one that is named after the command."""
    if not arguments(context):
        await context.reply(*await _page(context))
        return
    reference = await _named(context, " ".join(arguments(context)).casefold())
    if reference is None:
        names = [*known.ready_names(context).values(), *(each.name for each in await _own(context))]
        await context.reply(context.t("persona.takes", names=", ".join(map(as_code, names))))
    else:
        await choose(update, context, tuple(reference.split(":")) if reference else (NO_PERSONA, "0"))


async def _named(context: Context, word: str) -> str | None:
    """Return the reference of the persona with this name or key, "" for no persona; None if there is no such one."""
    if word in {NO_PERSONA, "off", context.t("persona.nobody").casefold()}:
        return ""
    own = [known.own(each.id) for each in await _own(context) if each.name.casefold() == word]
    ready = [known.ready(key) for key, name in known.ready_names(context).items() if word in {key, name.casefold()}]
    return next(iter([*own, *ready]), None)


async def show_all(_: Update, context: Context, __: tuple[str, ...]) -> None:
    await context.edit_or_reply(*await _page(context))


async def _page(context: Context) -> tuple[str, InlineKeyboardMarkup]:
    """List the personas, with a mark at the one of this conversation."""
    chosen, owns = await _chosen(context), await _own(context)
    items = [(known.ready(key), name) for key, name in known.ready_names(context).items()]
    items += [(known.own(each.id), each.name) for each in owns]
    buttons = [
        _choice(context, reference, name, chosen) for reference, name in [("", context.t("persona.nobody")), *items]
    ]
    rows = [buttons[start : start + 2] for start in range(0, len(buttons), 2)]
    owner = context.user.id
    rows += [[button(f"✏️ {each.name}", "persona", "one", each.id, owner=owner)] for each in owns]
    if len(owns) < MOST_PERSONAS:
        rows.append([button(context.t("persona.new"), "persona", "new", 0, owner=owner)])
    return context.t("persona.head"), InlineKeyboardMarkup(rows)


def _choice(context: Context, reference: str, name: str, chosen: str) -> InlineKeyboardButton:
    label, args = f"✓ {name}" if reference == chosen else name, reference.split(":") if reference else [NO_PERSONA, "0"]
    return button(label, "persona", "set", *args, owner=context.user.id)


async def choose(update: Update, context: Context, args: tuple[str, ...]) -> None:
    """Give this conversation the persona of the pressed button."""
    reference = "" if args[0] == NO_PERSONA else ":".join(args)
    if reference and await known.found(context, reference) is None:
        await context.edit_or_reply(*await _page(context))
        return
    chat_id, thread, now = context.user.id, _thread(update), context.services.clock.now()
    await context.services.db.write(
        lambda conn: conversation_memory.choose_persona(conn, chat_id, thread, reference, now)
    )
    await context.edit_or_reply(*await _page(context))


async def show(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Show one of the user's own personas, with buttons to change or delete it."""
    made = await known.found(context, known.own(int(args[0])))
    if made is None:
        await context.edit_or_reply(*await _page(context))
        return
    owner = context.user.id
    rows = [
        [
            button(context.t("instructions.change"), "persona", "new", made.id, owner=owner),
            button(context.t("history.delete"), "persona", "delete", made.id, owner=owner),
        ],
        [button(context.t("history.back"), "persona", "open", owner=owner)],
    ]
    text = context.t("persona.one", name=made.name, prompt=made.prompt)
    await context.edit_or_reply(text, InlineKeyboardMarkup(rows))


async def ask_for_text(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Ask for the name and the text of a persona, and wait for them."""
    tenant_id, number = (await context.state()).id, int(args[0])
    await context.services.db.write(lambda conn: tenant_settings.set_setting(conn, tenant_id, EDITED, number))
    await wait_for_text(context, "persona", WAIT)
    keyboard = InlineKeyboardMarkup([[cancel_button(context, "persona")]])
    await context.edit_or_reply(context.t("persona.ask"), keyboard)


async def take_text(context: Context, text: str) -> str | None:
    """Store the persona; its name is the first line. Return a sentence if something is missing or too long."""
    name, _, prompt = (part.strip() for part in text.partition("\n"))
    if not prompt:
        return context.t("persona.needs_lines")
    if len(name) > MOST_NAME_CHARS or len(prompt) > MOST_PROMPT_CHARS:
        return context.t("persona.long", name=MOST_NAME_CHARS, prompt=MOST_PROMPT_CHARS)
    state = await context.state(fresh=True)
    number = int(state.settings.get(EDITED) or 0)

    def unit(conn: Connection) -> bool:
        if number and personas.change(conn, state.id, number, name, prompt):
            return True
        return personas.add(conn, state.id, name, prompt) is not None

    if not await context.services.db.write(unit):
        return context.t("persona.too_many", most=MOST_PERSONAS)
    page, keyboard = await _page(context)
    await context.reply(f"{context.t('persona.kept', name=name)}\n\n{page}", keyboard)
    return None


async def delete(_: Update, context: Context, args: tuple[str, ...]) -> None:
    tenant_id = (await context.state()).id
    await context.services.db.write(lambda conn: personas.delete(conn, tenant_id, int(args[0])))
    await context.edit_or_reply(*await _page(context))


async def cancel(_: Update, context: Context, __: tuple[str, ...]) -> None:
    await stop_waiting(context)
    await context.edit_or_reply(*await _page(context))


async def _chosen(context: Context) -> str:
    assert context.incoming is not None
    chat_id, thread = context.user.id, _thread(context.incoming)
    return await context.services.db.read(lambda conn: conversation_memory.persona_of(conn, chat_id, thread))


async def _own(context: Context) -> list[Persona]:
    tenant_id = (await context.state()).id
    return await context.services.db.read(lambda conn: personas.of_tenant(conn, tenant_id))


def _thread(update: Update) -> int:
    return thread_of(update.effective_message) or 0


COMMAND = Command(
    "persona",
    persona,
    6,
    topic=Topic.CONVERSATIONS,
    buttons={
        "open": show_all,
        "set": choose,
        "one": show,
        "new": ask_for_text,
        "delete": delete,
        NONE: cancel,
    },
    take_text=take_text,
)
