"""The context of a handler: the user, the language of the replies, and the services."""

import logging
from collections.abc import Sequence
from contextvars import ContextVar
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Message, ReplyParameters, Update, User
from telegram.constants import ChatType
from telegram.error import BadRequest
from telegram.ext import Application, CallbackContext, ExtBot

import locales
from bot.delivery import ephemeral
from bot.delivery.courier import Courier
from bot.delivery.rate_limiter import RateLimiter
from bot.formatting.markdown import render
from bot.notify import TelegramNotifier
from bot.requests import FormRequest
from bot.services import Services
from engine.tenancy import Tenant
from storage.database.connection import Connection
from storage.schedules.zones import zone_of
from storage.telegram import inbox
from storage.telegram.inbox import ClaimedUpdate
from storage.tenants import tenant_settings, tenants
from storage.tenants.tenants import TenantState

log = logging.getLogger(__name__)
Dicts = dict[Any, Any]
claimed_update: ContextVar[ClaimedUpdate | None] = ContextVar("claimed_update", default=None)
"""The inbox row of the update that the current handler processes."""
OLD, VERY_OLD = timedelta(hours=1), timedelta(days=2)


class Context(CallbackContext[ExtBot[int], Dicts, Dicts, Dicts]):
    """PTB's context with the sender's tenant, language and services."""

    def __init__(
        self,
        application: "Application[Any, Any, Any, Any, Any, Any]",
        chat_id: int | None = None,
        user_id: int | None = None,
    ) -> None:
        super().__init__(application, chat_id, user_id)
        self.incoming: Update | None = None
        self._state: TenantState | None = None
        self._is_press_answered = False
        self.ephemeral_for = ""
        """The command whose replies only its sender sees; empty: replies are for everybody in the chat."""

    @classmethod
    def from_update(cls, update: object, application: Any) -> "Context":
        context: Context = super().from_update(update, application)
        context.incoming = update if isinstance(update, Update) else None
        message = context.incoming.effective_message if context.incoming is not None else None
        is_ephemeral = message is not None and ephemeral.ID in message.api_kwargs
        context.ephemeral_for = "help" if is_ephemeral else ""
        return context

    @property
    def services(self) -> Services:
        services: Services = self.application.bot_data["services"]
        return services

    @property
    def courier(self) -> Courier:
        courier: Courier = self.application.bot_data["courier"]
        return courier

    @property
    def notifier(self) -> TelegramNotifier:
        notifier: TelegramNotifier = self.application.bot_data["notifier"]
        return notifier

    @property
    def limiter(self) -> RateLimiter:
        limiter = self.bot.rate_limiter
        assert isinstance(limiter, RateLimiter)
        return limiter

    @property
    def user(self) -> User:
        assert self.incoming is not None
        user = self.incoming.effective_user
        assert user is not None
        return user

    @property
    def is_admin(self) -> bool:
        return self.user.id in self.services.config.admin_ids

    @property
    def in_group(self) -> bool:
        """True if other people see the chat: groups and channels."""
        chat = self.incoming.effective_chat if self.incoming is not None else None
        return chat is not None and chat.type != ChatType.PRIVATE

    def private_link(self, command: str) -> str:
        """Return a link that opens the private chat and runs a command there."""
        return f"https://t.me/{self.bot.username}?start={command}"

    @property
    def language(self) -> str:
        """The language chosen in /settings, else the one of the user's app. A post in a channel has no user."""
        chosen = self._state.language if self._state else ""
        user = self.incoming.effective_user if self.incoming is not None else None
        return chosen or (user.language_code if user is not None else None) or locales.DEFAULT

    @property
    def request_id(self) -> str:
        """The id of the engine's request: the same for each retry of an update."""
        claimed = claimed_update.get()
        number = claimed.update_id if claimed else getattr(self.incoming, "update_id", 0)
        return f"tg:{self.services.bot_id}:{number}"

    async def hand_back(self) -> None:
        """Give up the claim of the update: it is handled again, by this process or another. Nothing was charged."""
        claimed = claimed_update.get()
        for each in (claimed, *claimed.rest) if claimed is not None else ():
            await self.services.db.write(partial(inbox.release, inbox_id=each.id, epoch=each.epoch))

    @property
    def is_old(self) -> bool:
        """True for a message sent or edited over an hour ago: the sender may no longer want to pay for an answer."""
        message = self.incoming.effective_message if self.incoming else None
        if claimed_update.get() is None or message is None:
            return False
        return OLD < self._telegram_now() - (message.edit_date or message.date) < VERY_OLD

    def _telegram_now(self) -> datetime:
        """Return the time by Telegram's clock, which dates the messages: this machine's clock may be wrong by hours."""
        skew = self.bot.request.clock_skew_seconds if isinstance(self.bot.request, FormRequest) else None
        return self.services.clock.now() + timedelta(seconds=skew or 0)

    async def state(self, *, fresh: bool = False) -> TenantState:
        """Return the sender's tenant, which is created by the first message."""
        if self._state is None or fresh:
            user, services = self.user, self.services
            known = await services.db.read_key(lambda conn: tenants.by_telegram(conn, user.id))
            named = (user.full_name or "", user.username or "")  # the name of a deleted account is empty
            if known is not None and (known.is_nameless or (known.name, known.username) == named):
                self._state = await self._let_in(known)
                await self._store_language(known)
                return self._state
            is_admitted = services.config.access_mode == "open" or self.is_admin
            self._state, _ = await services.db.write(
                lambda conn: tenants.ensure_telegram(
                    conn,
                    user.id,
                    name=named[0],
                    username=named[1],
                    language="",
                    plan=services.free_plan,
                    now=services.clock.now(),
                    access=tenants.ADMITTED if is_admitted else tenants.PENDING,
                )
            )
            assert self._state is not None
            await self._store_language(self._state)
        return self._state

    async def _store_language(self, known: TenantState) -> None:
        """Store the language of the user's app, because the scheduler's notices need it."""
        language = self.user.language_code
        if language and not known.is_nameless and known.settings.get(tenants.APP_LANGUAGE) != language:
            await self.services.db.write(
                lambda conn: tenant_settings.set_setting(conn, known.id, tenants.APP_LANGUAGE, language)
            )

    async def _let_in(self, known: TenantState) -> TenantState:
        """Admit a waiting user if access has been opened or the user has become an operator."""
        waits = known.access == tenants.PENDING and (self.services.config.access_mode == "open" or self.is_admin)
        if not waits:
            return known

        def unit(conn: Connection) -> TenantState | None:
            tenant_settings.set_access(conn, known.id, tenants.ADMITTED)
            return tenants.state(conn, known.id)

        return await self.services.db.write(unit) or known

    async def tenant(self) -> Tenant:
        return (await self.state()).tenant(self.services.plans)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone chosen with /timezone; UTC if none was chosen."""
        return zone_of(self._state.settings if self._state else {})

    def t(self, key: str, /, **values: object) -> str:
        """Return a text of the locales in the user's language, with moments in the user's time zone."""
        return locales.text(self.language, key, **{name: self._in_zone(each) for name, each in values.items()})

    def written(self, value: object, form: str = "") -> str:
        """Return an amount of money, a number or a date as text in the user's language."""
        return locales.written(locales.find(self.language).formats, self._in_zone(value), form)

    def _in_zone(self, value: object) -> object:
        return locales.in_zone(value, self.zone) if isinstance(value, datetime) else value

    async def reply(
        self,
        text: str,
        keyboard: InlineKeyboardMarkup | None = None,
        *,
        reply_to: int | None = None,
        in_private: bool = False,
    ) -> Message | None:
        """Send Markdown to the chat of the update, or to the user, in several messages if it is too long for one.

        `reply_to`: the message to reply to, if it still exists.
        """
        assert self.incoming is not None
        chat = self.incoming.effective_chat
        assert chat is not None
        to_user = in_private and self.in_group
        message = None if to_user else self.incoming.effective_message
        pieces = render(text)
        sent: Message | None = None
        alone = self._alone() if self.ephemeral_for and not to_user else None
        if alone:
            link = InlineKeyboardButton(self.t("button.private"), url=self.private_link(self.ephemeral_for))
            keyboard = ephemeral.without_presses(keyboard, link)
        for number, piece in enumerate(pieces):
            last = number == len(pieces) - 1
            sent = await self.bot.send_message(
                self.user.id if to_user else chat.id,
                piece.text,
                entities=list(piece.entities),
                reply_markup=keyboard if last else None,
                message_thread_id=thread_of(message),
                direct_messages_topic_id=_direct_topic_of(message),
                reply_parameters=_reply_parameters(None if number or to_user or alone else reply_to),
                disable_notification=False,
                api_kwargs=alone,
            )
            if alone:
                await ephemeral.checked(self.bot, sent)
        return sent

    def _alone(self) -> dict[str, Any] | None:
        """Return the parameters of a reply that only the sender sees."""
        return ephemeral.parameters(self.incoming, self.user.id) if self.incoming is not None else None

    async def answer_press(self, text: str | None = None, *, alert: bool = False, url: str | None = None) -> None:
        """Answer the press of a button, only once. Telegram refuses an answer that comes too late."""
        query = self.incoming.callback_query if self.incoming is not None else None
        if query is None and text and alert:
            await self.reply(text)  # the user typed the command instead
        if query is None or self._is_press_answered:
            return
        self._is_press_answered = True
        try:
            await query.answer(text, show_alert=alert, url=url)
        except BadRequest as error:
            log.debug("a button press is not answered: %s", error)

    async def edit_or_reply(self, text: str, keyboard: InlineKeyboardMarkup | None = None) -> None:
        """Replace the message with the pressed button by this Markdown, or send it if that is not possible."""
        query = self.incoming.callback_query if self.incoming is not None else None
        pieces = render(text)
        if query is None or len(pieces) > 1 or not isinstance(query.message, Message):
            await self.reply(text, keyboard)
            return
        try:
            await query.edit_message_text(pieces[0].text, entities=list(pieces[0].entities), reply_markup=keyboard)
        except BadRequest as error:
            if "not modified" not in str(error):
                await self.reply(text, keyboard)


def _reply_parameters(message_id: int | None) -> ReplyParameters | None:
    return None if message_id is None else ReplyParameters(message_id, allow_sending_without_reply=True)


def thread_of(message: object) -> int | None:
    """Return the topic of a message, if it is in one."""
    if isinstance(message, Message) and message.is_topic_message:
        return message.message_thread_id
    return None


def _direct_topic_of(message: object) -> int | None:
    """Return the topic of a message in the direct messages of a channel: Telegram refuses replies without it."""
    topic = message.direct_messages_topic if isinstance(message, Message) else None
    return topic.topic_id if topic is not None else None


def arguments(context: Context) -> Sequence[str]:
    """Return the arguments of a command."""
    return context.args or ()
