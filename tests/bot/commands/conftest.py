"""A lightweight bot: the commands over a real SQLite database and scripted providers; its Bot API records the calls."""

import json
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import pytest
from telegram import Update
from telegram.ext import Application, ContextTypes

from bot.app import _add_handlers
from bot.config import BotConfig
from bot.context import Context
from bot.delivery.courier import Courier
from bot.delivery.rate_limiter import RateLimiter
from bot.menu import discover
from bot.notify import TelegramNotifier
from bot.services import Services
from engine.catalog.catalog import Catalog
from engine.catalog.offers import Model, Offer, flat_price
from engine.catalog.price_book import PriceBook
from engine.gateway.gateway import Gateway
from engine.gateway.question import Market
from engine.money import Money
from engine.privacy import DataPolicies
from engine.providers.registry import specs
from engine.routing.health import Health, HealthPolicy
from engine.tenancy import Flat, Markup
from storage.database.connection import Connection
from storage.database.database import Database, open_database
from storage.database.leases import Lease
from storage.ledger.journal import SqlJournal, allowance_rates
from storage.ledger.ledger import SqlLedger
from storage.operations.audit import audit
from storage.tenants.tenants import TenantState, by_telegram
from tests.bot.commands.recording import ANN, ME, Call, RecordingRequest, chat_of
from tests.bot.settings import bot_config
from tests.engine.scripted import ScriptedProvider, whole
from tests.scheduler.conftest import HandClock
from tests.storage.conftest import sqlite_template
from tests.storage.shop import KNOWN

__all__ = ["ANN", "ME", "Call", "RecordingRequest", "chat_of", "sqlite_template"]

T = TypeVar("T")
BAO, OLGA, ROOM = 1002, 9001, -100500
NAMES = {ANN: "Ann", BAO: "Bao", OLGA: "Olga"}
PROVIDERS = ("deepseek", "gemini", "openai")
OFFERS = tuple(Offer(name, "m") for name in PROVIDERS)


@dataclass(slots=True)
class Chat:
    """Sends messages to the bot as a user, presses its buttons, and returns its answers."""

    application: "Application[Any, Any, Any, Any, Any, Any]"
    request: RecordingRequest
    services: Services
    clock: HandClock
    scripts: dict[str, ScriptedProvider]
    language: str = "en"
    errors: list[BaseException] = field(default_factory=list)
    number: int = 0

    async def say(self, text: str, user: int = ANN, chat: int | None = None, **more: Any) -> str:
        """Send a message; return the texts that the bot sent back, one per line."""
        return self._texts(await self.send(text, user, chat, **more))

    async def send(self, text: str, user: int = ANN, chat: int | None = None, **more: Any) -> list[Call]:
        self.number += 1
        message: dict[str, Any] = {
            "message_id": self.number,
            "date": int(self.clock.now().timestamp()),
            "chat": chat_of(user if chat is None else chat),
            "from": self._user(user),
            "text": text,
            **more,
        }
        if text.startswith("/"):
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text.split(maxsplit=1)[0])}]
        return await self._handle({"message": message})

    async def post(self, text: str) -> str:
        """Post a text in a channel; return the texts that the bot sent back."""
        channel = {"id": -100900, "type": "channel", "title": "News"}
        entities = [{"type": "bot_command", "offset": 0, "length": len(text.split(maxsplit=1)[0])}]
        content = {"text": text, "entities": entities if text.startswith("/") else []}
        post = {"message_id": 1, "date": 0, "chat": channel, "sender_chat": channel, **content}
        return self._texts(await self._handle({"channel_post": post}))

    async def press(self, label: str, user: int = ANN) -> str:
        """Press the newest button whose label contains `label`; return the texts that the bot sent back."""
        return self._texts(await self.press_data(self.button(label), user))

    async def press_data(self, data: str, user: int = ANN, chat: int | None = None) -> list[Call]:
        """Press a button with this data. The message has it, as Telegram shows the message with its buttons."""
        place = chat_of(user if chat is None else chat)
        keyboard = {"inline_keyboard": [[{"text": "button", "callback_data": data}]]}
        message = {"message_id": 900, "date": int(self.clock.now().timestamp()), "chat": place, "from": ME}
        message["reply_markup"] = keyboard
        query = {"id": "1", "from": self._user(user), "chat_instance": "1", "data": data, "message": message}
        return await self._handle({"callback_query": query})

    def button(self, label: str) -> str:
        """Return the callback data of the newest button whose label contains `label`."""
        for name, data in reversed(self.buttons()):
            if label in name:
                return data
        raise AssertionError(f"no button {label!r} among {[name for name, _ in self.buttons()]}")

    def buttons(self) -> list[tuple[str, str]]:
        """Return labels and callback data (or addresses) of all buttons that were sent."""
        found = []
        for call in self.request.calls:
            markup = call.params.get("reply_markup")
            keyboard = (json.loads(markup) if isinstance(markup, str) else markup or {}).get("inline_keyboard", [])
            found += [
                (each["text"], each.get("callback_data") or each.get("url", "")) for row in keyboard for each in row
            ]
        return found

    def told(self, user: int) -> list[str]:
        """Return the texts that a user has received."""
        return [each.text for each in self.request.calls if each.params.get("chat_id") == user and each.text]

    async def state(self, user: int = ANN) -> TenantState:
        found = await self.read(lambda conn: by_telegram(conn, user))
        assert found is not None
        return found

    async def read(self, unit: Callable[[Connection], T]) -> T:
        return await self.services.db.read(unit)

    async def write(self, unit: Callable[[Connection], T]) -> T:
        return await self.services.db.write(unit)

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        return await self.read(lambda conn: conn.rows(sql, **values))

    async def check_books(self) -> None:
        report = await self.read(audit)
        assert report.ok, report.problems

    def configure(self, **changes: Any) -> None:
        """Change the operator's settings."""
        self.change(config=replace(self.services.config, **changes))

    def change(self, **changes: Any) -> None:
        """Change the services."""
        self.services = self.application.bot_data["services"] = replace(self.services, **changes)

    def _user(self, user: int) -> dict[str, Any]:
        return {"id": user, "is_bot": False, "first_name": NAMES.get(user, "Group"), "language_code": self.language}

    async def _handle(self, payload: dict[str, Any]) -> list[Call]:
        self.number += 1
        before = len(self.request.calls)
        update = Update.de_json({"update_id": self.number, **payload}, self.application.bot)
        await self.application.process_update(update)
        if self.errors:
            raise self.errors[0]
        return self.request.calls[before:]

    @staticmethod
    def _texts(calls: list[Call]) -> str:
        return "\n".join(each.text for each in calls if each.text)


@pytest.fixture
async def database(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Database]:
    path = tmp_path / "farthing.db"
    shutil.copyfile(sqlite_template, path)
    async with open_database(f"sqlite:///{path}") as opened:
        yield opened


@pytest.fixture
async def chat(database: Database) -> AsyncIterator[Chat]:
    clock = HandClock()
    scripts = {name: ScriptedProvider(name, whole(f"an answer by {name}")) for name in PROVIDERS}
    async with Lease(database, clock) as lease:
        services = build_services(database, lease, clock, scripts)
        request = RecordingRequest()
        application = build_application(services, request)
        made = Chat(application, request, services, clock, scripts)

        async def noted(_: object, context: Any) -> None:
            made.errors.append(context.error)

        application.error_handlers.clear()
        application.add_error_handler(noted)
        await application.initialize()
        request.calls.clear()
        try:
            yield made
        finally:
            await application.bot_data["courier"].stop()
            await application.shutdown()


def build_services(db: Database, lease: Lease, clock: HandClock, scripts: dict[str, ScriptedProvider]) -> Services:
    book = PriceBook({f"{name}/m": flat_price("0.10", "0.20") for name in PROVIDERS})
    models = {
        "auto": Model("auto", OFFERS, Flat(5 * 10**12)),
        "smart": Model("smart", OFFERS[2:], Markup(Fraction(14, 10))),
    }
    policies = DataPolicies({name: specs()[name].data for name in PROVIDERS})
    catalog = Catalog(
        models=models,
        book=book,
        configured=lambda name: name in scripts,
        named_markup=Fraction(14, 10),
        policies=policies,
    )
    policy = HealthPolicy()
    market = Market(
        catalog, Health(policy, clock, dict.fromkeys(PROVIDERS, 1)), dict(scripts), SqlJournal(db), clock, policy
    )
    gateway = Gateway(market, SqlLedger(db, lease, clock, allowance_rates(KNOWN)))
    return Services(db, lease.id, gateway, market, KNOWN, clock, config())


def config() -> BotConfig:
    return bot_config(
        admin_ids=frozenset({OLGA}),
        topups=(Money.usd("5"), Money.usd("10")),
        http_url="https://farthing.example/",
    )


def build_application(services: Services, request: RecordingRequest) -> "Application[Any, Any, Any, Any, Any, Any]":
    application = (
        Application.builder()
        .token(services.config.token)
        .request(request)
        .get_updates_request(request)
        .rate_limiter(RateLimiter(chat_seconds=0.0))  # so that tests do not wait for Telegram's limits
        .context_types(ContextTypes(context=Context))
        .updater(None)
        .job_queue(None)
        .build()
    )
    bot = application.bot
    application.bot_data.update(
        services=services,
        courier=Courier(bot, services.db, services.lease_id, services.clock),
        notifier=TelegramNotifier(bot, services.db, services.config.admin_ids),
        commands=discover(),
    )
    _add_handlers(application)
    return application
