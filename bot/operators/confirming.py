"""The confirmation before a change that can't be undone at once, and the button that undoes a change."""

from hashlib import sha256

from telegram import InlineKeyboardMarkup, Update

from bot.buttons import button, rows
from bot.context import Context
from storage.tenants.tenants import TenantState


async def ask_first(context: Context, text: str, command: str, *args: object) -> None:
    """Ask for a confirmation. The command's actions are `yes`, which gets `args`, and `no`."""
    owner = context.user.id
    buttons = [
        button(context.t("admin.yes"), command, "yes", *args, owner=owner),
        button(context.t("button.cancel"), command, "no", owner=owner),
    ]
    await context.reply(text, rows(buttons))


async def nothing_done(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """Reply to a question that was cancelled, or whose tenant, plan or payment no longer exists."""
    await context.edit_or_reply(context.t("admin.nothing_done"))


def undo_button(context: Context, command: str, *args: object) -> InlineKeyboardMarkup:
    """Return the button below a change that undoes it. The command's action is `undo`, which gets `args`."""
    return rows([button(context.t("admin.undo"), command, "undo", *args, owner=context.user.id)])


def about_oneself(context: Context, state: TenantState) -> str:
    """Return a warning sentence if an operator changes the own account, else an empty text."""
    return context.t("admin.yourself") + "\n\n" if state.telegram_user_id == context.user.id else ""


def short_of(name: str) -> str:
    """Return 16 hex digits that stand for a name, which may be too long for a button."""
    return sha256(name.encode()).hexdigest()[:16]
