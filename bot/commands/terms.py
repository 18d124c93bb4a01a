"""/terms, /privacy, /paysupport: what Telegram's rules for payments ask for."""

from telegram import Update

from bot.command import Command, button, rows
from bot.context import Context
from storage import tenants


async def terms(_: Update, context: Context) -> None:
    await context.reply(context.t("terms.text", seller=context.services.config.seller or "-"))


async def privacy(_: Update, context: Context) -> None:
    await context.reply(context.t("privacy.text", free=""))


async def paysupport(_: Update, context: Context) -> None:
    config = context.services.config
    admins = ", ".join(f"[{number}](tg://user?id={number})" for number in sorted(config.admin_ids))
    await context.reply(context.t("paysupport.text", contact=config.seller or admins or "-"))


async def agreed(context: Context) -> bool:
    """True when the terms were agreed to; asks for it when not."""
    state = await context.state(fresh=True)
    if state.agreed_terms_at is not None:
        return True
    agree = button(context.t("topup.yes"), "terms", "agree", owner=context.user.id)
    await context.reply(context.t("topup.agree"), rows([agree]))
    return False


async def agree(_: Update, context: Context, __: tuple[str, ...]) -> None:
    state, now = await context.state(), context.services.clock.now()
    await context.services.db.write(lambda conn: tenants.agree_terms(conn, state.id, now))
    from bot.commands.topup import offer  # noqa: PLC0415 - topup asks for agreement first

    await offer(context)


COMMANDS = (
    Command("terms", terms, 91, private_only=False, buttons={"agree": agree}),
    Command("privacy", privacy, 92, private_only=False),
    Command("paysupport", paysupport, 93, private_only=False),
)
