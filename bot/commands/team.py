"""/team: several people share one wallet, each with a monthly limit, and get one invoice."""

from telegram import Update

from bot.chat.pending_input import NONE, stop_waiting
from bot.command import Command, Topic
from bot.commands.terms import agreed
from bot.context import Context, arguments
from bot.payments.star_invoices import send_invoice
from bot.teams import joining, money, people
from bot.teams.pages import COMMAND as NAME
from bot.teams.pages import owned_team, show
from engine.money import Money
from storage.billing import orders
from storage.teams import invitations


async def team(update: Update, context: Context) -> None:
    """Show the team or a link's invitation, or create a team with the given name."""
    given, message = arguments(context), update.message
    is_link = message is not None and (message.text or "").startswith("/start")
    if not given:
        await show(context)
    elif is_link or (len(given) == 1 and invitations.is_secret(given[0])):
        await joining.show_invitation(context, given[0])
    elif (refusal := await joining.take_name(context, " ".join(given))) is not None:
        await context.reply(refusal)


async def open_page(_: Update, context: Context, __: tuple[str, ...]) -> None:
    await show(context)


async def stars(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Send the Stars invoice that fills the team's wallet, after the user has agreed to the terms."""
    amount, services = Money(int(args[0])), context.services
    found = await owned_team(context)
    if found is None or amount not in services.config.topups or not await agreed(context, NAME, "stars", args[0]):
        return
    state, now = await context.state(), services.clock.now()
    order = await services.db.write(
        lambda conn: orders.make_order(
            conn, found.id, orders.TOPUP, amount, services.config.per_star, now, payer_id=state.id
        )
    )
    await send_invoice(context, order)


async def take_text(context: Context, text: str) -> str | None:
    """Take the name of a new team, or a member's limit, whichever is awaited."""
    wanted = str((await context.state()).settings.get(joining.INPUT, joining.NAME))
    if wanted == joining.NAME:
        return await joining.take_name(context, text)
    return await people.take_limit(context, wanted, text)


async def no_text(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """End the wait for a text."""
    await stop_waiting(context)
    await show(context)


COMMAND = Command(
    NAME,
    team,
    12,
    topic=Topic.GROUPS,
    take_text=take_text,
    buttons={
        "open": open_page,
        NONE: no_text,
        "create": joining.create,
        "invite": joining.choose_limit,
        "link": joining.make_link,
        "revoke": joining.revoke,
        "join": joining.join,
        "after": joining.set_after,
        "leave": joining.ask_leave,
        "left": joining.leave,
        "ended": joining.end,
        "members": people.members_page,
        "member": people.member_page,
        "limit": people.set_limit,
        "other": people.ask_limit,
        "pause": people.pause,
        "remove": people.ask_remove,
        "removed": people.remove,
        "give": people.ask_give,
        "given": people.give,
        "money": money.money_page,
        "fill": money.ask_fill,
        "moved": money.fill,
        "stars": stars,
        "plans": money.plans_page,
        "plan": money.ask_plan,
        "bought": money.buy_plan,
        "noplan": money.end_plan,
        "report": money.send_report,
        "invoices": money.invoices_page,
        "invoice": money.send_invoice,
    },
)
