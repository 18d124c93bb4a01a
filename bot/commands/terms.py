"""/terms, /privacy and /paysupport, which Telegram's rules for payments require."""

from datetime import date

from telegram import Update

from bot.buttons import button, rows
from bot.command import Command, all_commands
from bot.context import Context
from bot.privacy import retention
from engine.providers.registry import brand
from storage.tenants import tenant_settings
from storage.tenants.terms import TERMS_VERSION


async def terms(_: Update, context: Context) -> None:
    text = context.t("terms.text", version=date.fromisoformat(TERMS_VERSION))
    if context.services.config.seller:
        text += context.t("terms.seller", seller=context.services.config.seller)
    await context.reply(text)


async def privacy(_: Update, context: Context) -> None:
    services = context.services
    free = context.t("privacy.free") if services.market.catalog.free.allowed else ""
    transcriber = services.transcriber
    voice = context.t("privacy.voice", provider=brand(transcriber.offer.provider)) if transcriber is not None else ""
    state, owner = await context.state(fresh=True), context.user.id
    text = context.t("privacy.text", kept=retention.kept(context, state.keep_days), voice=voice, free=free)
    choices = (("settings.button_who", "who"), ("settings.button_keep", "keep"))
    buttons = rows([button(context.t(label), "settings", action, owner=owner) for label, action in choices])
    await context.reply(text, None if context.in_group else buttons)


async def paysupport(_: Update, context: Context) -> None:
    config = context.services.config
    operator = context.t("paysupport.operator")
    admin = f"[{operator}](tg://user?id={min(config.admin_ids)})" if config.admin_ids else operator
    await context.reply(context.t("paysupport.text", contact=config.seller or admin))


async def agreed(context: Context, command: str, action: str, *args: object) -> bool:
    """Return True if the user has agreed to these terms. Otherwise ask; agreeing then runs the action."""
    state = await context.state(fresh=True)
    if state.agreed_terms == TERMS_VERSION:
        return True
    agree = button(context.t("topup.yes"), "terms", "agree", command, action, *args, owner=context.user.id)
    await context.edit_or_reply(context.t("topup.agree"), rows([agree]))
    return False


async def agree(update: Update, context: Context, args: tuple[str, ...]) -> None:
    """Store the agreement with its date and version, then run the action that asked for it."""
    state, now = await context.state(), context.services.clock.now()
    await context.services.db.write(lambda conn: tenant_settings.agree_terms(conn, state.id, TERMS_VERSION, now))
    name, action = (*args, "", "")[:2]
    command = all_commands(context).get(name)
    press = command.buttons.get(action) if command is not None and not command.admin else None
    if press is None:
        await context.reply(context.t("button.stale"))
    else:
        await press(update, context, args[2:])


COMMANDS = (
    Command("terms", terms, 91, private_only=False, takes_words=False, buttons={"agree": agree}),
    Command("privacy", privacy, 92, private_only=False, takes_words=False),
    Command("paysupport", paysupport, 93, private_only=False, takes_words=False),
)
