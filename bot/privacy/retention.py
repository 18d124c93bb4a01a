"""The page of /settings where a person chooses how long questions and answers are kept."""

from telegram import InlineKeyboardMarkup, Update

from bot.buttons import button, rows
from bot.context import Context
from storage.tenants import tenant_settings

CHOICES_DAYS = (1, 7, 30, 90)


def choices(context: Context) -> list[int]:
    """Return the numbers of days to choose from: those below the operator's."""
    return [days for days in CHOICES_DAYS if days < context.services.config.keep_days]


def kept(context: Context, days: int | None) -> str:
    """Return, in words, how long the texts of a tenant with this choice are kept."""
    most = context.services.config.keep_days
    if days is None or days >= most:
        return context.t("keep.as_operator", days=most)
    return context.t("keep.days", days=days)


async def show(_: Update, context: Context, __: tuple[str, ...]) -> None:
    state = await context.state(fresh=True)
    await context.edit_or_reply(_page(context, state.keep_days), _keyboard(context, state.keep_days))


async def choose(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Store the number of days; 0, or a number that is not offered, means as long as the operator keeps texts."""
    state = await context.state()
    days = next((each for each in choices(context) if str(each) == args[0]), None)
    await context.services.db.write(lambda conn: tenant_settings.set_keep_days(conn, state.id, days))
    await context.edit_or_reply(_page(context, days), _keyboard(context, days))


def _page(context: Context, days: int | None) -> str:
    return context.t("keep.page", kept=kept(context, days))


def _keyboard(context: Context, days: int | None) -> InlineKeyboardMarkup:
    owner, now = context.user.id, days if days in choices(context) else 0
    labels = [(each, context.t("keep.button", days=each)) for each in choices(context)]
    labels.append((0, context.t("keep.button_operator", days=context.services.config.keep_days)))
    buttons = [
        button(f"✓ {label}" if each == now else label, "settings", "keep_set", each, owner=owner)
        for each, label in labels
    ]
    back = button(context.t("privacy.back"), "settings", "open", owner=owner)
    return InlineKeyboardMarkup([*rows(buttons).inline_keyboard, [back]])


ACTIONS = {"keep": show, "keep_set": choose}
