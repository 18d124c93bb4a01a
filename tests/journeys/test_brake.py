"""Journeys of the brake: the bot asks before an answer that is expected to exceed a limit."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine.money import Money
from sandbox.app import Sandbox
from storage.billing import codes
from storage.ledger import transfers
from tests.bot.commands.test_limit import usd
from tests.journeys.conftest import ANN, BAO, CONFIG, GROUP_ID, Journey, started

MARKUP = '\n[models.smart]\noffers = ["openai/gpt-4o"]\nmarkup = "1.40"\n'
QUESTION = "tell me about the first sea"


@pytest.fixture
async def journey(tmp_path: Path, sandbox: Sandbox) -> AsyncIterator[Journey]:
    async with started(tmp_path, sandbox, CONFIG + MARKUP) as running:
        yield running


async def tenant_of(journey: Journey, user: int = ANN) -> int:
    await journey.ask("/start", user)
    return int((await journey.rows("SELECT id FROM tenants WHERE telegram_user_id = :id", id=user))[0]["id"])


async def pay_in(journey: Journey, amount: str, user: int = ANN, ref: str = "gift") -> None:
    tenant, now = await tenant_of(journey, user), journey.container.market.clock.now()
    await journey.container.db.write(
        lambda conn: transfers.credit(conn, tenant, Money.usd(amount), ref=f"{ref}:{tenant}", reason="gift", now=now)
    )


async def calls(journey: Journey) -> int:
    return len(await journey.rows("SELECT * FROM attempts"))


async def charged(journey: Journey) -> int:
    return len(await journey.rows("SELECT * FROM holds WHERE state = 'captured'"))


def labels(message: dict[str, Any]) -> list[str]:
    rows = (message.get("reply_markup") or {}).get("inline_keyboard", [])
    return [button["text"] for row in rows for button in row]


async def braked(journey: Journey, limit: str = "/limit 0.01¢", chat: int = ANN) -> dict[str, Any]:
    """Ask a question that exceeds a limit; return the bot's question."""
    await journey.ask(limit)
    text = await journey.ask(QUESTION if chat == ANN else f"/ask {QUESTION}", ANN, chat)
    await journey.idle()
    assert "Nothing was spent" in text
    assert (await calls(journey), await charged(journey)) == (0, 0)
    return dict(journey.sandbox.world.messages(chat)[-1])


async def test_over_the_limit_of_an_answer_nothing_is_asked_of_a_provider(journey: Journey) -> None:
    message = await braked(journey)
    assert re.search(r"up to 0\.\d+ ¢; your limit is 0\.01 ¢ per answer", message["text"])
    assert [label.split()[0] for label in labels(message)] == ["▶️", "⚙️"]
    (question,) = await journey.rows("SELECT state, error FROM questions")
    assert (question["state"], question["error"]) == ("refused", "AskFirst")
    await journey.check_books()


async def test_go_on_answers_the_very_question_once(journey: Journey) -> None:
    message = await braked(journey)
    data = message["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    for _ in range(3):
        journey.sandbox.world.press(ANN, ANN, message["message_id"], data)
    await journey.idle()
    assert (await calls(journey), await charged(journey)) == (1, 1)
    (row,) = await journey.rows("SELECT parts FROM messages WHERE role = 'user'")
    assert QUESTION in row["parts"]
    await journey.check_books()


async def test_shorter_answer_stays_within_the_limit(journey: Journey) -> None:
    message = await braked(journey, "/limit 0.1¢")
    assert labels(message)[0] == "✂️ Shorter: up to 0.1 ¢"
    await journey.press("✂️ Shorter")
    await journey.idle()
    (attempt,) = await journey.rows("SELECT charge_nanousd, allowance_tokens FROM attempts WHERE kept")
    assert attempt["charge_nanousd"] + attempt["allowance_tokens"] * 5000 <= usd("0.001").nanousd
    (row,) = await journey.rows("SELECT parts FROM messages WHERE role = 'user'")
    assert "Keep the answer under" not in row["parts"], "the conversation has the question as it was asked"
    await journey.check_books()


async def test_cheaper_model_answers_in_place_of_the_dear_one(journey: Journey) -> None:
    await pay_in(journey, "5")
    await journey.ask("/plan")
    await journey.container.db.write(lambda conn: conn.run("UPDATE tenants SET plan = 'plus'"))
    await journey.ask("/model smart")
    message = await braked(journey, "/limit 0.1¢")
    assert any("Cheaper model, auto: ≈" in label for label in labels(message))
    await journey.press("Cheaper model")
    await journey.idle()
    (attempt,) = await journey.rows("SELECT asked FROM attempts WHERE kept")
    assert attempt["asked"] == "auto"
    await journey.check_books()


async def test_over_the_limit_of_a_day_the_bot_asks(journey: Journey) -> None:
    await journey.ask("/limit day 0.3¢")
    asked = 0
    while "Nothing was spent" not in (text := await journey.ask(QUESTION)):
        asked += 1
        await journey.idle()
        assert asked < 5
    assert asked
    assert "your limit leaves" in text
    assert await charged(journey) == asked


async def test_question_over_the_funds_goes_on_after_a_top_up(journey: Journey) -> None:
    await tenant_of(journey)
    await journey.container.db.write(lambda conn: conn.run("UPDATE accounts SET allowance_tokens = 200"))
    text = await journey.ask(QUESTION)
    await journey.idle()
    message = journey.sandbox.world.messages(ANN)[-1]
    assert re.search(r"up to 0\.\d+ ¢; you have 0\.1 ¢", text)
    assert labels(message)[-1] == "⭐ Top up"
    assert await calls(journey) == 0
    now = journey.container.market.clock.now()
    (code,) = await journey.container.db.write(
        lambda conn: codes.make(conn, codes.TOPUP, 1, made_by=1, now=now, amount=usd("5"))
    )
    await journey.ask(f"/topup {code}")
    await journey.press("Ask now")
    await journey.idle()
    assert (await calls(journey), await charged(journey)) == (1, 1)
    await journey.check_books()


async def test_group_reads_no_amount(journey: Journey) -> None:
    message = await braked(journey, chat=GROUP_ID)
    assert not re.search(r"[¢$\d]", message["text"] + "".join(labels(message)))
    assert labels(message)[-1] == "Open private chat"


async def test_only_the_asker_may_go_on(journey: Journey) -> None:
    message = await braked(journey, chat=GROUP_ID)
    data = message["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    journey.sandbox.world.press(GROUP_ID, BAO, message["message_id"], data)
    await journey.idle()
    assert await calls(journey) == 0
    journey.sandbox.world.press(GROUP_ID, ANN, message["message_id"], data)
    await journey.idle()
    assert (await calls(journey), await charged(journey)) == (1, 1)


async def test_api_key_is_not_stopped_by_the_limit(journey: Journey) -> None:
    await journey.ask("/limit 0.01¢")
    tenant = await tenant_of(journey)
    async with journey.admin() as admin:
        made = await admin.post(f"/admin/tenants/{tenant}/keys", json={"name": "dev"})
        body = {"model": "auto", "messages": [{"role": "user", "content": QUESTION}]}
        headers = {"authorization": f"Bearer {made.json()['key']}"}
        answered = await admin.post("/v1/chat/completions", json=body, headers=headers)
    assert answered.status_code == 200
