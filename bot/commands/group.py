"""/group: who pays in a group, and its own wallet, which admins fill and cap in the private chat."""

from datetime import timedelta

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update

from bot.buttons import button, rows
from bot.command import Command, Topic, say_unused
from bot.commands.terms import agreed
from bot.context import Context, arguments
from bot.formatting.literal import as_code
from bot.groups.addressing import is_chat_admin
from bot.payments.star_invoices import send_invoice
from engine.money import ZERO, Money
from storage.billing import orders
from storage.billing.orders import Order, stars_for
from storage.database.connection import Connection
from storage.groups import wallets
from storage.groups.wallets import GroupWallet
from storage.ledger import shares
from storage.ledger.shares import MemberShare
from storage.tenants.shared_wallets import WalletShort

AMOUNTS = (Money.usd("1"), Money.usd("5"), Money.usd("20"))
CAPS = (Money.usd("0.10"), Money.usd("0.50"), Money.usd("2"), ZERO)
SHARES_OF = timedelta(days=30)
MOST_SHARES = 20


async def group(update: Update, context: Context) -> None:
    """In a group, show who pays there. In private, show the wallet of the group that the link names."""
    message = update.message
    assert message is not None
    if context.in_group:
        await _say_who_pays(context, message.chat.id)
        await say_unused(context, "group")
        return
    given = arguments(context)[0] if arguments(context) else ""
    if not given.removeprefix("-").isdecimal():
        await context.reply(context.t("group.where"))
    elif await _may_keep(context, int(given)):
        await context.reply(*await _panel(context, int(given)))


async def _say_who_pays(context: Context, chat_id: int) -> None:
    wallet = await context.services.db.read(lambda conn: wallets.find(conn, chat_id))
    key = "group.wallet_pays" if wallet is not None and wallet.free > ZERO else "group.asker_pays"
    link = InlineKeyboardButton(context.t("button.private"), url=context.private_link(f"group_{chat_id}"))
    await context.reply(f"{context.t(key)} {context.t('group.kept')}", rows([link]))


async def _may_keep(context: Context, chat_id: int) -> bool:
    """Return True for admins of the group; tell other users why not."""
    if await is_chat_admin(context, chat_id):
        return True
    await context.reply(context.t("group.not_admin"))
    return False


async def _panel(context: Context, chat_id: int) -> tuple[str, InlineKeyboardMarkup]:
    services, now = context.services, context.services.clock.now()
    title = (await context.bot.get_chat(chat_id)).effective_name or ""

    def unit(conn: Connection) -> tuple[GroupWallet, list[MemberShare]]:
        wallet = wallets.open_wallet(conn, chat_id, title, services.free_plan, now)
        since = (now - SHARES_OF).date()
        return wallet, shares.by_member(conn, wallet.wallet_id, since, now.date(), MOST_SHARES)

    wallet, used = await services.db.write(unit)
    cap = context.written(wallet.day_cap) if wallet.day_cap > ZERO else context.t("group.no_cap")
    text = context.t("group.panel", title=as_code(wallet.title), free=wallet.free, cap=cap)
    if used:
        lines = (context.t("group.share", name=as_code(s.name), usd=s.charge, n=s.answers) for s in used)
        text += context.t("group.shares", days=SHARES_OF.days, lines="\n".join(lines))
    return text, _keyboard(context, chat_id)


def _keyboard(context: Context, chat_id: int) -> InlineKeyboardMarkup:
    owner = context.user.id
    fills = [
        button(context.t("group.put", usd=usd), "group", "fill", chat_id, usd.nanousd, owner=owner) for usd in AMOUNTS
    ]
    per_star = context.services.config.per_star
    by_stars = [
        button(
            context.t("topup.amount", usd=usd, stars=stars_for(usd, per_star)),
            "group",
            "stars",
            chat_id,
            usd.nanousd,
            owner=owner,
        )
        for usd in context.services.config.topups
    ]
    caps = [
        button(
            context.t("group.cap", usd=usd) if usd > ZERO else context.t("group.uncap"),
            "group",
            "cap",
            chat_id,
            usd.nanousd,
            owner=owner,
        )
        for usd in CAPS
    ]
    return InlineKeyboardMarkup([fills, *rows(by_stars).inline_keyboard, *rows(caps).inline_keyboard])


async def fill(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Ask the admin for confirmation before moving money, because it can't be moved back."""
    chat_id, amount = int(args[0]), Money(int(args[1]))
    if not await _may_keep(context, chat_id):
        return
    sure = button(context.t("group.yes"), "group", "move", chat_id, amount.nanousd, owner=context.user.id)
    back = button(context.t("button.cancel"), "group", "back", chat_id, owner=context.user.id)
    await context.edit_or_reply(context.t("group.sure", usd=amount), rows([sure, back]))


async def move(update: Update, context: Context, args: tuple[str, ...]) -> None:
    """Move money from the admin's wallet to the group's, once per press."""
    query, chat_id, amount = update.callback_query, int(args[0]), Money(int(args[1]))
    assert query is not None
    if amount not in AMOUNTS or not await _may_keep(context, chat_id):
        return
    services, state = context.services, await context.state(fresh=True)

    def unit(conn: Connection) -> bool:
        wallet = wallets.find(conn, chat_id)
        return wallet is not None and wallets.fill(
            conn, wallet, state.id, amount, f"group:{query.id}", services.clock.now()
        )

    try:
        await services.db.write(unit)
    except WalletShort:
        topup = button(context.t("button.topup"), "topup", "open", owner=context.user.id)
        text = context.t("group.short", wallet=state.wallet, usd=amount)
        await context.edit_or_reply(text, rows([topup]))
        return
    await context.edit_or_reply(*await _panel(context, chat_id))


async def stars(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Send the Stars invoice that fills the group's wallet, after the user has agreed to the terms."""
    chat_id, amount, services = int(args[0]), Money(int(args[1])), context.services
    if amount not in services.config.topups or not await _may_keep(context, chat_id):
        return
    if not await agreed(context, "group", "stars", *args):
        return
    state, now = await context.state(), services.clock.now()

    def unit(conn: Connection) -> Order | None:
        wallet, rate = wallets.find(conn, chat_id), services.config.per_star
        if wallet is None:
            return None
        return orders.make_order(conn, wallet.wallet_id, orders.TOPUP, amount, rate, now, payer_id=state.id)

    order = await services.db.write(unit)
    if order is not None:
        await send_invoice(context, order)


async def cap(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Set the highest amount that one person may use per day."""
    chat_id, amount = int(args[0]), Money(int(args[1]))
    if await _may_keep(context, chat_id):
        await context.services.db.write(lambda conn: wallets.set_day_cap(conn, chat_id, amount))
        await context.edit_or_reply(*await _panel(context, chat_id))


async def back(_: Update, context: Context, args: tuple[str, ...]) -> None:
    if await _may_keep(context, int(args[0])):
        await context.edit_or_reply(*await _panel(context, int(args[0])))


COMMAND = Command(
    "group",
    group,
    12,
    topic=Topic.GROUPS,
    private_only=False,
    buttons={"fill": fill, "move": move, "stars": stars, "cap": cap, "back": back},
)
