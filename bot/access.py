"""Access control: banned people, and new users when access needs approval or an invitation.

Each gets one sentence a day.
"""

from telegram import Message, Update
from telegram.ext import ApplicationHandlerStop

from bot import buttons
from bot.context import Context
from bot.groups.addressing import addressed, is_anonymous, is_other_bot
from locales.button import Button
from storage.billing import invites
from storage.tenants import notices, tenants
from storage.tenants.tenants import TenantState

PUBLIC = frozenset({"terms", "privacy", "paysupport", "export", "forget"})
"""The commands that everybody may use, as Telegram's rules or the law on personal data require."""


async def guard(update: Update, context: Context) -> None:
    """Run before every other handler, and end the update of a user without access."""
    message, query = update.message, update.callback_query
    if update.effective_user is None or (message is None and query is None) or context.is_admin:
        return
    if message is not None and not _is_guarded(message, context):
        return
    state = await context.state()
    if (state.is_admitted and not state.banned) or (query is not None and _is_public(query.data)):
        return
    if message is not None and not state.banned and await _entered(message, state, context):
        raise ApplicationHandlerStop
    await _answer_once(state, context)
    await context.answer_press()
    raise ApplicationHandlerStop


def _is_guarded(message: Message, context: Context) -> bool:
    """Return True for messages that need access: not for payments, PUBLIC commands, or others' talk in groups.

    Senders that are not people are refused later, because they are not tenants.
    """
    if message.successful_payment is not None or message.refunded_payment is not None:
        return False
    if is_anonymous(message) or is_other_bot(message):
        return False
    name, _, addressee = _command(message).partition("@")
    if name:
        to_us = not addressee or addressee.lower() == (context.bot.username or "").lower()
        return to_us and name not in PUBLIC
    return addressed(message, context)


def _is_public(data: str | None) -> bool:
    """Return True for a button of a PUBLIC command."""
    pressed = buttons.read(data or "")
    return pressed is not None and pressed.command in PUBLIC


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


async def _answer_once(state: TenantState, context: Context) -> None:
    """Answer once a day. If new users need approval, ask the operators once for each of them."""
    if context.in_group:
        await _answer_in_group(state, context)
        return
    if await _is_first(context, f"stranger:{state.id}"):
        await context.reply(context.t(_sentence(state, context)))
    if context.services.config.access_mode == "approval" and state.access == tenants.PENDING and not state.banned:
        await _ask_operators(state, context)


async def _answer_in_group(state: TenantState, context: Context) -> None:
    """Tell one new user a day where to ask for access. Other new users, and banned people, get no answer."""
    chat = context.incoming.effective_chat if context.incoming is not None else None
    if chat is not None and not state.banned and await _is_first(context, f"stranger:{chat.id}"):
        await context.reply(context.t("access.group", link=context.private_link("start")))


async def _is_first(context: Context, key: str) -> bool:
    services, now = context.services, context.services.clock.now()
    return await services.db.write(lambda conn: notices.first_time(conn, f"{key}:{now:%Y-%m-%d}", now))


def _sentence(state: TenantState, context: Context) -> str:
    """Return the key of the sentence to show this user."""
    if state.banned:
        return "access.banned"
    return (
        "access.declined" if state.access == tenants.DECLINED else f"access.wait_{context.services.config.access_mode}"
    )


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
    """Return `start@name` of `/start@name CODE`; empty if the message is not a command."""
    first = (message.text or message.caption or "").split(maxsplit=1)[:1]
    return first[0].removeprefix("/").lower() if first and first[0].startswith("/") else ""
