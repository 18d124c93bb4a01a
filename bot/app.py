"""The bot: PTB's Application with its handlers, the intake of updates and the sending of answers."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from starlette.routing import BaseRoute
from telegram import Update
from telegram.error import InvalidToken, TelegramError
from telegram.ext import (
    Application,
    CallbackQueryHandler,
    ChatMemberHandler,
    ChosenInlineResultHandler,
    ContextTypes,
    ExtBot,
    InlineQueryHandler,
    MessageHandler,
    TypeHandler,
    filters,
)

from bot import access, menu
from bot.chat.asking import on_message
from bot.chat.dispatch import on_button, on_command, on_error
from bot.chat.edited import on_edited
from bot.chat.scheduled_run import on_run
from bot.context import Context
from bot.delivery.courier import Courier
from bot.delivery.rate_limiter import Priority, RateLimiter
from bot.groups import channel_messages
from bot.groups.addressing import COMMAND, PERSONAL
from bot.groups.greeting import on_membership
from bot.groups.moving import on_migration
from bot.notify import TelegramNotifier
from bot.outside.questions import on_chosen, on_guest, on_inline_query
from bot.payments import payments
from bot.payments.stars import StarsClient
from bot.profile.descriptions import set_descriptions
from bot.questions.held_answers import on_unblocked
from bot.requests import FormRequest
from bot.services import Services
from bot.updates import webhook
from bot.updates.incoming import RUNS, handler_in_span, handler_of
from bot.updates.intake import Intake
from bot.updates.merging import Waits
from bot.updates.polling import Poller
from bot.updates.polling_turn import PollingTurn
from bot.updates.webhook_watch import WebhookWatch
from storage.database.leases import until_whole_second
from storage.telegram import poller_conflicts
from storage.tenants import tenants

log = logging.getLogger(__name__)
TAKE_UP_SECONDS, MENU_SECONDS = 2.0, 20.0


class TokenRefusedError(OSError):
    """Telegram refuses the bot token."""


class Bot:
    """The bot as a component with start, quiet and stop. `routes` contains the webhook if one is used."""

    def __init__(self, services: Services, limiter: RateLimiter | None = None) -> None:
        config, limiter = services.config, limiter or RateLimiter(may_call=services.may_call)
        self.limiter, self.answers = limiter, services.answers
        self._services = services
        self._requests = [
            FormRequest(config.proxy) for _ in range(3)
        ]  # three HTTP clients: for calls, for PTB's own poller (unused), and for our poller
        self._application = (
            Application.builder()
            .token(config.token)
            .base_url(f"{config.api_url.rstrip('/')}/bot")
            .base_file_url(f"{config.api_url.rstrip('/')}/file/bot")
            .request(self._requests[0])
            .get_updates_request(self._requests[1])
            .rate_limiter(limiter)
            .context_types(ContextTypes(context=Context))
            .updater(None)
            .job_queue(None)
            .build()
        )
        self._courier = Courier(self.bot, services.db, services.lease_id, services.clock)
        self.notifier = TelegramNotifier(self.bot, services.db, config.admin_ids, Priority.NOTICE, Priority.ALARM)
        self._application.bot_data.update(
            services=services, courier=self._courier, notifier=self.notifier, commands=menu.discover()
        )
        self._take_up_loop: asyncio.Task[None] | None = None
        self._profile: asyncio.Task[None] | None = None
        handle = handler_of(self.bot, self._application.process_update)
        self._intake = Intake(
            services.db,
            services.bot_id,
            services.lease_id,
            services.clock,
            handler_in_span(handle, services.span),
            limiter.slow_down,
            services.chat_queue,
            waits=Waits(config.comment_seconds, config.file_seconds),
        )
        self._poll_request = self._requests[2]
        turn = PollingTurn(services.db, services.lease_id, services.clock)
        self._poller = Poller(
            f"{config.api_url.rstrip('/')}/bot{config.token}",
            self._poll_request,
            self._intake,
            turn if services.db.dialect == "postgresql" else None,  # a SQLite file is used by one process only
        )
        self._secret = webhook.secret_of(config.token)
        self._watch = WebhookWatch(self.bot, config.public_url, self._secret, self._note_foreign_process)
        self.stars = StarsClient(self.bot)
        _add_handlers(self._application)

    @property
    def bot(self) -> ExtBot[int]:
        return self._application.bot

    @property
    def clock_skew_seconds(self) -> float | None:
        """Telegram's time minus this machine's; None before the first answer."""
        return self._requests[0].clock_skew_seconds

    @property
    def conflict_at(self) -> datetime | None:
        """The last time when Telegram reported that another process polls this bot; None: never."""
        return self._poller.conflict_at

    @property
    def routes(self) -> Sequence[BaseRoute]:
        return [webhook.route(self._intake, self._secret)] if self._services.config.public_url else []

    async def start(self) -> None:
        """Send the answers and handle the updates that dead processes left, then receive new updates.

        Raises TokenRefusedError or OSError.
        """
        try:
            await self._application.initialize()
        except InvalidToken as error:
            raise TokenRefusedError("Telegram refuses TELEGRAM_BOT_TOKEN; `make setup` asks for it again.") from error
        except TelegramError as error:
            config = self._services.config
            through = " through TELEGRAM_PROXY" if config.proxy else ""
            raise OSError(f"the Bot API at {config.api_url} does not answer{through}: {error}") from error
        await self._poll_request.initialize()
        await self._choose_delivery()  # a start that fails before this line may be repeated
        self._services.after_lapse(self._intake.drop_lost)
        await self._intake.start()
        await self._register_menu()
        self._profile = asyncio.create_task(set_descriptions(self.bot, self._services.db), name="profile")
        await self.take_up()
        self._take_up_loop = asyncio.create_task(self._take_up_often(), name="take up")
        (self._watch if self._services.config.public_url else self._poller).start()
        log.info("bot @%s is up", self.bot.username)

    async def _register_menu(self) -> None:
        """Set the menu. If Telegram hangs, the start waits no longer for it; a later start sets the rest."""
        try:
            async with asyncio.timeout(MENU_SECONDS):
                await menu.register(self.bot, self._services.config, await self._admins_languages())
        except TimeoutError:
            log.warning("Telegram took over %g s for the menu; the rest is set at the next start", MENU_SECONDS)

    async def _admins_languages(self) -> dict[int, str]:
        """Return the languages that admins chose in /settings."""
        ids, db = self._services.config.admin_ids, self._services.db
        known = [await db.read(partial(tenants.by_telegram, user_id=admin)) for admin in sorted(ids)]
        return {state.telegram_user_id or 0: state.language for state in known if state is not None}

    async def _choose_delivery(self) -> None:
        """Set the webhook, or remove it if updates are polled."""
        if self._services.config.public_url:
            await webhook.register(self.bot, self._services.config.public_url, self._secret)
        else:
            await self.bot.delete_webhook(drop_pending_updates=False)

    async def _note_foreign_process(self) -> None:
        services = self._services
        await services.db.write(partial(poller_conflicts.note, now=services.clock.now()))

    async def quiet(self) -> None:
        """Take no new updates; running answers continue."""
        for task in filter(None, (self._take_up_loop, self._profile)):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._watch.stop()
        await self._poller.stop()
        self._intake.close()

    async def stop(self) -> None:
        if self._services.transcriber is not None:
            self._services.transcriber.close()
        await self._intake.finish()
        await self._courier.stop()
        await self._application.shutdown()
        for request in self._requests:  # closes the clients even if they were never started
            await request.shutdown()

    async def take_up(self) -> int:
        """Send the answers and handle the updates that dead processes left. Return the number of updates."""
        courier, intake = self._courier, self._intake
        has_answers, has_updates = await self._services.db.read_key(
            lambda conn: (courier.may_adopt(conn), intake.may_take_up(conn))
        )
        if has_answers and (sent := await courier.adopt()):
            log.info("sending %d answers that a dead process left", sent)
        return await intake.take_up() if has_updates else 0

    async def _take_up_often(self) -> None:
        while True:
            await asyncio.sleep(until_whole_second(TAKE_UP_SECONDS))
            try:
                await self.take_up()
            except Exception:
                log.exception("the unfinished work of dead processes could not be taken over")


def _add_handlers(application: "Application[Any, Any, Any, Any, Any, Any]") -> None:
    application.add_handler(TypeHandler(Update, channel_messages.guard), group=-2)
    application.add_handler(TypeHandler(Update, access.guard), group=-1)
    for handler in payments.handlers():
        application.add_handler(handler)
    application.add_handler(MessageHandler(RUNS, on_run))
    application.add_handler(CallbackQueryHandler(on_button))
    application.add_handler(ChatMemberHandler(on_membership, ChatMemberHandler.MY_CHAT_MEMBER))
    application.add_handler(ChatMemberHandler(on_unblocked, ChatMemberHandler.MY_CHAT_MEMBER), group=1)
    commands = filters.UpdateType.MESSAGE | filters.UpdateType.CHANNEL_POST
    application.add_handler(MessageHandler(COMMAND & commands, on_command))
    application.add_handler(MessageHandler(filters.StatusUpdate.MIGRATE, on_migration))
    application.add_handler(MessageHandler(filters.UpdateType.MESSAGE & PERSONAL, on_message))
    application.add_handler(MessageHandler(filters.UpdateType.EDITED_MESSAGE, on_edited))
    application.add_handler(InlineQueryHandler(on_inline_query))
    application.add_handler(ChosenInlineResultHandler(on_chosen))
    application.add_handler(MessageHandler(filters.UpdateType.GUEST_MESSAGE, on_guest))
    for handler in payments.last_handlers():
        application.add_handler(handler)
    application.add_error_handler(on_error)
