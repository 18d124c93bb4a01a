"""Access control: with approval or invitations, new users wait outside and get one answer a day."""

from telegram import Message, Update
from telegram.ext import ApplicationHandlerStop

from bot.context import Context
from bot.groups.mentions import addressed
from locales.button import Button
from storage.billing import invites
from storage.tenants import notices, tenants
from storage.tenants.tenants import TenantState

PUBLIC = frozenset({"terms", "privacy", "paysupport"})
"""The commands that Telegram's rules grant to every user."""


async def guard(update: Update, context: Context) -> None:
    """Run before every other handler, and end the update of a user without access."""
    if update.effective_user is None:
        return
    message = update.message
    if context.is_admin or (message is None and update.callback_query is None):
        return
    if message is not None and not _is_guarded(message, context):
        return
    state = await context.state()
    if state.is_admitted:
        return
    if message is not None and await _entered(message, state, context):
        raise ApplicationHandlerStop
    await _answer_once(update, state, context)
    raise ApplicationHandlerStop


def _is_guarded(message: Message, context: Context) -> bool:
    """Return True for messages that need access: not payments, nor PUBLIC commands, nor others' talk in groups."""
    if message.successful_payment is not None or message.refunded_payment is not None or message.sender_chat:
        return False
    name, _, addressee = _command(message).partition("@")
    if name:
        to_us = not addressee or addressee.lower() == (context.bot.username or "").lower()
        return to_us and name not in PUBLIC
    return addressed(message, context)


async def _entered(message: Message, state: TenantState, context: Context) -> bool:
    """Redeem the invitation of /start CODE. Return True if the message was one."""
    words = (message.text or "").split()
    if _command(message).partition("@")[0] != "start" or len(words) != 2:  # noqa: PLR2004 - the code
        return False
    services = context.services
    used = await services.db.write(lambda conn: invites.enter(conn, state.id, words[1], services.clock.now()))
    if used.rate_limited:
        await context.reply(context.t("code.wait"))
    elif used.amount is None:
        await context.reply(context.t("access.bad_code"))
    else:
        await context.state(fresh=True)
        await context.reply(context.t("access.welcome"))
    return True


async def _answer_once(update: Update, state: TenantState, context: Context) -> None:
    """Answer once a day. In mode approval, ask the operators once for each new user."""
    services, now = context.services, context.services.clock.now()
    is_first = await services.db.write(
        lambda conn: notices.first_time(conn, f"stranger:{state.id}:{now:%Y-%m-%d}", now)
    )
    if is_first and state.access == tenants.DECLINED:
        await context.reply(context.t("access.declined"))
    elif is_first:
        await context.reply(context.t(f"access.wait_{services.config.access_mode}"))
    if update.callback_query is not None:
        await update.callback_query.answer()
    if services.config.access_mode == "approval" and state.access == tenants.PENDING:
        await _ask_operators(state, context)


async def _ask_operators(state: TenantState, context: Context) -> None:
    services = context.services
    key = f"access:{state.id}"
    if not await services.db.write(lambda conn: notices.first_time(conn, key, services.clock.now())):
        return
    buttons = (
        Button("access.accept", "access", "accept", (str(state.id),)),
        Button("access.refuse", "access", "refuse", (str(state.id),)),
    )
    values = {
        "name": context.user.full_name,
        "username": f" @{state.username}" if state.username else "",
        "id": state.id,
    }
    await context.notifier.notify_admins("access.asked", values, buttons)


def _command(message: Message) -> str:
    """Return `start@name` of `/start@name CODE`; empty if the message is no command."""
    first = (message.text or message.caption or "").split(maxsplit=1)[:1]
    return first[0].removeprefix("/").lower() if first and first[0].startswith("/") else ""
