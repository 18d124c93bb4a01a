from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, date, datetime
from typing import Any

import pytest
from telegram.ext import ExtBot

from bot.delivery.rate_limiter import Answer, Priority, RateLimiter
from bot.notify import NOBODY, TelegramNotifier, translated
from bot.requests import FormRequest
from locales.button import Button
from sandbox.app import Sandbox
from storage.alerts.admin_notices import Undelivered
from storage.database.connection import Connection
from storage.database.database import Database
from storage.reports.usage import UsageSpan
from storage.schedules.zones import SETTING
from storage.tenants import tenant_settings, tenants
from storage.tenants.tenants import TenantState
from tests.storage.books import FREE, NOW

ANN, BAO, OLGA = 1001, 1002, 9001
TOPUP = Button("button.topup", "topup", "open")


@pytest.fixture
async def notifier(sandbox: Sandbox, db: Database) -> AsyncIterator[TelegramNotifier]:
    bot: ExtBot[Any] = ExtBot(sandbox.token, base_url=f"{sandbox.telegram_url}/bot", request=FormRequest())
    async with bot:
        yield TelegramNotifier(bot, db, frozenset({OLGA, BAO}))


async def join(db: Database, user_id: int, language: str = "") -> None:
    def unit(conn: Connection) -> None:
        tenants.ensure_telegram(
            conn, user_id, name="Ann", username="ann", language=language, plan=FREE, now=NOW, access=tenants.ADMITTED
        )

    await db.write(unit)


async def state(db: Database, user_id: int) -> TenantState:
    found = await db.read(lambda conn: tenants.by_telegram(conn, user_id))
    assert found is not None
    return found


async def test_notice_is_in_the_language_of_its_reader(
    sandbox: Sandbox, db: Database, notifier: TelegramNotifier
) -> None:
    await join(db, BAO, "vi")
    await notifier.notify(ANN, "topup.yes", {})
    await notifier.notify(BAO, "topup.yes", {})
    texts = [sandbox.world.messages(user)[-1]["text"] for user in (ANN, BAO)]
    assert texts[0] == "I agree"
    assert texts[1] not in {"", "I agree"}


async def test_buttons_of_a_notice_belong_to_its_reader(sandbox: Sandbox, notifier: TelegramNotifier) -> None:
    await notifier.notify(ANN, "topup.yes", {}, [TOPUP])
    (message,) = sandbox.world.messages(ANN)
    ((button,),) = message["reply_markup"]["inline_keyboard"]
    assert button["callback_data"] == f"topup:open:{ANN}"


async def test_every_admin_gets_a_notice_and_unreachable_ones_are_left_out(
    sandbox: Sandbox, notifier: TelegramNotifier
) -> None:
    sandbox.world.block(BAO)
    await notifier.notify_admins("topup.yes", {})
    assert len(sandbox.world.messages(OLGA)) == 1
    assert notifier.admins == (BAO, OLGA)
    assert await notifier.deliver(BAO, "topup.yes", {}) is Undelivered.REFUSED


async def test_notice_is_tried_again_while_telegram_is_unreachable(db: Database) -> None:
    """The port is closed, so nothing shows that the message can never be delivered."""
    request = FormRequest()
    bot: ExtBot[int] = ExtBot(
        "1:x",
        base_url="http://127.0.0.1:1/bot",
        request=request,
        get_updates_request=request,
        rate_limiter=RateLimiter(),
    )
    async with bot.request:
        lonely = TelegramNotifier(bot, db, frozenset())
        assert await lonely.deliver(ANN, "topup.yes", {}) is Undelivered.UNREACHABLE
        assert not await lonely.edit((ANN, 1), "topup.yes", {})


async def test_alert_without_admins_is_written_to_the_log(
    notifier: TelegramNotifier, caplog: pytest.LogCaptureFixture
) -> None:
    (nobody,) = TelegramNotifier(notifier._bot, notifier._db, frozenset()).admins
    assert await notifier.deliver(nobody, "alert.backup", {"error": "full"}) is Undelivered.REFUSED
    assert "ADMIN_IDS is empty" in caplog.text


async def test_user_who_blocks_the_bot_is_marked(sandbox: Sandbox, db: Database, notifier: TelegramNotifier) -> None:
    await join(db, ANN)
    sandbox.world.block(ANN)
    assert await notifier.notify(ANN, "topup.yes", {}) is None
    assert (await state(db, ANN)).blocked


async def test_alert_that_an_admin_blocks_is_in_the_log(
    sandbox: Sandbox, db: Database, notifier: TelegramNotifier, caplog: pytest.LogCaptureFixture
) -> None:
    await join(db, ANN)
    sandbox.world.block(ANN)
    of_admin = TelegramNotifier(notifier._bot, db, frozenset({ANN}))
    assert await of_admin.deliver(ANN, "alert.backup", {"error": "the disk"}) is Undelivered.REFUSED
    assert "has blocked the bot or not started it" in caplog.text
    assert "the disk" in caplog.text


async def test_unknown_chat_is_no_error_and_marks_nobody(db: Database, notifier: TelegramNotifier) -> None:
    await join(db, ANN)
    assert await notifier.notify(5, "topup.yes", {}) is None
    assert not (await state(db, ANN)).blocked


async def test_notice_is_edited_and_replied_to(sandbox: Sandbox, notifier: TelegramNotifier) -> None:
    sent = await notifier.notify(ANN, "topup.yes", {})
    assert sent is not None
    assert await notifier.edit(sent, "button.topup", {}, [TOPUP])
    await notifier.deliver(ANN, "topup.yes", {}, reply_to=sent[1])
    first, reply = sandbox.world.messages(ANN)
    assert first["text"] != "I agree"
    assert first["reply_markup"]["inline_keyboard"]
    assert reply["reply_to_message"]["message_id"] == first["message_id"]


async def test_edit_of_a_deleted_notice_is_no_error(notifier: TelegramNotifier) -> None:
    assert await notifier.edit((ANN, 12345), "topup.yes", {})


def test_text_as_a_value_is_translated_and_other_values_are_kept() -> None:
    assert translated("en", {"key": "topup.yes", "values": {}}) == "I agree"
    assert translated("en", {"a": 1}) == {"a": 1}
    assert translated("en", 5) == 5


@pytest.mark.parametrize(("words", "messages"), [(1, 1), (400, 2)])
async def test_chart_has_the_text_as_its_caption_where_that_is_short_enough(
    sandbox: Sandbox, notifier: TelegramNotifier, words: int, messages: int
) -> None:
    span = UsageSpan(date(2026, 11, 11), date(2026, 11, 24), ())
    sent = await notifier.deliver(ANN, "broadcast.text", {"text": "digest " * words}, chart=span)
    assert not isinstance(sent, Undelivered)
    shown = sandbox.world.messages(ANN)
    assert len(shown) == messages
    assert shown[0]["photo"]
    assert ("digest" in shown[0].get("caption", "")) is (messages == 1)
    assert sent == (ANN, shown[-1]["message_id"])


async def test_moments_are_told_in_the_readers_time_zone_and_form(
    sandbox: Sandbox, db: Database, notifier: TelegramNotifier
) -> None:
    since = datetime(2026, 11, 24, 20, 5, 33, tzinfo=UTC)
    state = {"key": "alerts.line", "values": {"subject": "deepseek", "kind": "down", "since": since}}
    await notifier.notify(ANN, "alerts.head", {"lines": [state]})
    await join(db, ANN)
    await set_zone(db, ANN, "Asia/Ho_Chi_Minh")
    await notifier.notify(ANN, "alerts.head", {"lines": [state]})
    told = [message["text"].splitlines()[-1] for message in sandbox.world.messages(ANN)]
    assert told == ["deepseek: down since 24 Nov 2026, 20:05 UTC", "deepseek: down since 25 Nov 2026, 03:05"]


async def set_zone(db: Database, user_id: int, zone: str) -> None:
    tenant_id = (await state(db, user_id)).id
    await db.write(lambda conn: tenant_settings.set_setting(conn, tenant_id, SETTING, zone))


class RecordingLimiter(RateLimiter):
    """A rate limiter that records the priority of each call."""

    def __init__(self) -> None:
        super().__init__()
        self.priorities: list[int | None] = []

    async def process_request(
        self,
        callback: Callable[..., Coroutine[Any, Any, Answer]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: int | None,
    ) -> Answer:
        if endpoint == "sendMessage":
            self.priorities.append(rate_limit_args)
        return await super().process_request(callback, args, kwargs, endpoint, data, rate_limit_args)


async def test_notices_to_tenants_yield_to_answers_and_to_alerts(sandbox: Sandbox, db: Database) -> None:
    limiter = RecordingLimiter()
    bot: ExtBot[Any] = ExtBot(
        sandbox.token, base_url=f"{sandbox.telegram_url}/bot", request=FormRequest(), rate_limiter=limiter
    )
    async with bot:
        notifier = TelegramNotifier(bot, db, frozenset({OLGA}), Priority.NOTICE)
        for user_id in (ANN, OLGA):
            await notifier.notify(user_id, "alert.lapsed", {"plan": "pro"})
    assert limiter.priorities == [Priority.NOTICE, None]


async def test_alarm_needs_neither_the_database_nor_a_lease(sandbox: Sandbox, db: Database) -> None:
    limiter = RateLimiter(may_call=lambda: False)
    bot: ExtBot[Any] = ExtBot(
        sandbox.token, base_url=f"{sandbox.telegram_url}/bot", request=FormRequest(), rate_limiter=limiter
    )
    await join(db, BAO, "vi")
    values = {"since": NOW, "reason": "disk full"}
    async with bot:
        notifier = TelegramNotifier(bot, db, frozenset({OLGA, BAO}), alarm=Priority.ALARM)
        await notifier.remember_admins()
        notifier._db = GoneDatabase()  # type: ignore[assignment]
        assert await notifier.deliver_at_once(BAO, "alert.database_gone", values) is not None
        assert await notifier.deliver_at_once(OLGA, "alert.database_gone", values) is not None
        assert await notifier.deliver_at_once(NOBODY, "alert.database_gone", values) is None
        assert await notifier.deliver_at_once(77, "alert.database_gone", values) is None, "who never started the bot"
    texts = [str(sandbox.world.messages(user)[-1]["text"]) for user in (BAO, OLGA)]
    assert ["Không ghi được" in texts[0], "can't be written" in texts[1]] == [True, True]


class GoneDatabase:
    async def read(self, _: object) -> Any:
        raise OSError("connection refused")
