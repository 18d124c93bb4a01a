"""/topup: a button per amount; pressed, a Stars invoice."""

from telegram import LabeledPrice, Update

from bot.command import Command, button, rows
from bot.commands.terms import agreed
from bot.context import Context, arguments
from engine.money import Money
from storage import payments
from storage.payments import stars_for


async def topup(_: Update, context: Context) -> None:
    if arguments(context):
        await context.reply(context.t("topup.no_codes"))
        return
    await offer(context)


async def opened(_: Update, context: Context, __: tuple[str, ...]) -> None:
    await offer(context)


async def offer(context: Context) -> None:
    state, config = await context.state(fresh=True), context.services.config
    buttons = [
        button(
            context.t("topup.amount", usd=str(usd), stars=stars_for(usd, config.per_star)),
            "topup",
            "pay",
            usd.nanousd,
            owner=context.user.id,
        )
        for usd in config.topups
    ]
    await context.reply(context.t("topup.choose", wallet=str(state.wallet)), rows(buttons))


async def pay(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """The invoice's payload is our order: what is paid is credited by it."""
    state, services = await context.state(), context.services
    usd = Money(int(args[0]))
    if usd not in services.config.topups:
        await context.reply(context.t("button.stale"))
        return
    if not await agreed(context):
        return
    order = await services.db.write(
        lambda conn: payments.make_order(
            conn, state.id, payments.TOPUP, usd, services.config.per_star, services.clock.now()
        )
    )
    await context.bot.send_invoice(
        chat_id=context.user.id,
        title=context.t("topup.title", usd=str(order.usd))[:32],
        description=context.t("topup.description", usd=str(order.usd))[:255],
        payload=order.id,
        currency="XTR",
        prices=[LabeledPrice(f"{usd} USD", order.stars)],
        provider_token="",
    )


COMMAND = Command("topup", topup, 8, buttons={"open": opened, "pay": pay})
