"""Recordings: put into writing once, paid to the nano-dollar, answered as text."""

from datetime import timedelta
from typing import Any

import pytest

from engine.money import Money
from storage.reports import journal
from tests.journeys.conftest import ANN, OLGA, Journey
from tests.journeys.recordings import CHARGE, COST, WALLET, heard, rich, speak, voice, wallet


async def test_a_recording_is_written_down_shown_and_answered_and_charged_to_the_nano_dollar(hearing: Journey) -> None:
    tenant = await rich(hearing)
    quoted, answer = await speak(hearing)
    assert quoted == "🎤 I am a recording of 12 seconds, transcribed by a stand-in for OpenAI."
    assert "stand-in for DeepSeek" in answer
    assert "getFile" in [name for name, _ in hearing.sandbox.world.calls]
    (line,) = await heard(hearing)
    assert (line["provider"], line["model"], line["kept"], line["outcome"]) == ("openai", "whisper-1", 1, "answered")
    assert (line["cost_nanousd"], line["waste_nanousd"], line["charge_nanousd"]) == (COST, 0, CHARGE)
    (hold,) = await hearing.rows("SELECT * FROM holds WHERE request_id LIKE '%:voice'")
    assert (hold["state"], hold["wallet_nanousd"], hold["charge_nanousd"]) == ("captured", CHARGE + 1, CHARGE)
    assert await wallet(hearing, tenant) == WALLET.nanousd - CHARGE
    said = await hearing.rows("SELECT role, parts FROM messages ORDER BY id")
    assert "I am a recording" in said[0]["parts"]
    assert len(said) == 2
    await hearing.check_books()


async def test_what_was_understood_stands_in_a_quote_of_its_own(hearing: Journey) -> None:
    await rich(hearing)
    quoted, _ = await speak(hearing)
    message = next(m for m in hearing.sandbox.world.messages(ANN) if m.get("text") == quoted)
    units = len(quoted.encode("utf-16-le")) // 2
    assert message["entities"] == [{"type": "expandable_blockquote", "offset": 0, "length": units}]


async def test_usage_and_margin_show_it_under_provider_and_model(hearing: Journey) -> None:
    await rich(hearing)
    await speak(hearing)
    async with hearing.admin() as http:
        usage = (await http.get("/admin/usage")).json()["data"]
    (row,) = [each for each in usage if each["model"] == "whisper-1"]
    assert (row["provider"], row["charge_usd"], row["cost_usd"]) == ("openai", "0.000202323", "0.000144517")
    assert (row["input_tokens"], row["output_tokens"], row["allowance_tokens"]) == (0, 0, 0)
    assert "whisper-1" in await hearing.ask("/usage")
    await hearing.ask("/start", OLGA)
    assert "whisper-1" in await hearing.ask("/margin", OLGA)


@pytest.mark.parametrize(
    ("mode", "outcome"),
    [
        ("down", "overloaded"),
        ("429", "rate_limited"),
        ("key_refused", "key_refused"),
        ("money_gone", "balance_gone"),
        ("garbage", "garbled"),
        ("reset", "unreachable"),
        ("cut", "unreachable"),
    ],
)
async def test_who_can_not_be_heard_pays_nothing_and_is_told(hearing: Journey, mode: str, outcome: str) -> None:
    tenant = await rich(hearing)
    hearing.sandbox.stand_ins.set_mode("openai", mode)
    (told,) = await speak(hearing)
    assert "Nothing was charged" in told
    (line,) = await heard(hearing)
    assert (line["kept"], line["outcome"], line["charge_nanousd"], line["cost_nanousd"]) == (0, outcome, 0, 0)
    (hold,) = await hearing.rows("SELECT state FROM holds")
    assert hold["state"] == "void"
    assert await wallet(hearing, tenant) == WALLET.nanousd
    assert await hearing.rows("SELECT * FROM messages") == []
    await hearing.check_books()


async def test_a_refused_key_rests_for_prompts_too(hearing: Journey) -> None:
    await rich(hearing)
    hearing.sandbox.stand_ins.set_mode("openai", "key_refused")
    await speak(hearing)
    assert hearing.house.market.health.is_locked_out("openai")
    calls = hearing.sandbox.stand_ins.provider("openai").calls
    (told,) = await speak(hearing)
    assert "No provider can answer" in told
    assert hearing.sandbox.stand_ins.provider("openai").calls == calls


async def test_too_little_money_is_said_before_anything_is_fetched(hearing: Journey) -> None:
    tenant = await rich(hearing, wallet=Money(CHARGE))  # the hold is a nano-dollar more
    (told,) = await speak(hearing)
    assert "Recordings are paid from your wallet" in told
    assert "0.000000001 USD more" in told
    assert hearing.sandbox.stand_ins.provider("openai").calls == 0
    assert "getFile" not in [name for name, _ in hearing.sandbox.world.calls]
    assert await heard(hearing) == []
    assert await wallet(hearing, tenant) == CHARGE
    await hearing.check_books()


async def test_the_exact_money_is_enough(hearing: Journey) -> None:
    tenant = await rich(hearing, wallet=Money(CHARGE + 1))
    assert len(await speak(hearing)) == 2
    assert await wallet(hearing, tenant) == 1


async def test_silence_is_not_charged_and_is_the_houses_waste(hearing: Journey) -> None:
    tenant = await rich(hearing)
    hearing.sandbox.stand_ins.set_mode("openai", "empty")
    (told,) = await speak(hearing)
    assert "heard no words" in told
    (line,) = await heard(hearing)
    assert (line["kept"], line["outcome"]) == (0, "nothing_heard")
    assert (line["cost_nanousd"], line["waste_nanousd"], line["charge_nanousd"]) == (COST, COST, 0)
    assert hearing.house.market.health.state("openai").failures == 0
    since = hearing.house.clock.now() - timedelta(hours=1)
    assert (await hearing.house.db.read(lambda conn: journal.streak(conn, "openai", since))).failures == 0
    assert await wallet(hearing, tenant) == WALLET.nanousd
    await hearing.check_books()


async def test_an_app_that_understates_the_length_pays_for_what_was_held_and_the_rest_is_waste(
    hearing: Journey,
) -> None:
    tenant = await rich(hearing)
    await speak(hearing, seconds=2)
    (line,) = await heard(hearing)
    held = 667_000 * 3 // 60  # two seconds, and one that may have been rounded off
    assert line["cost_nanousd"] == COST
    assert line["waste_nanousd"] == COST - held
    assert line["charge_nanousd"] == held * 14 // 10
    assert await wallet(hearing, tenant) == WALLET.nanousd - held * 14 // 10
    (told,) = await speak(hearing)
    assert "files again tomorrow" in told
    assert hearing.sandbox.stand_ins.provider("openai").calls == 1
    await hearing.check_books()


async def test_an_update_delivered_twice_is_heard_and_charged_once(hearing: Journey) -> None:
    tenant = await rich(hearing)
    world = hearing.sandbox.world
    chat, sender = {"id": ANN, "type": "private"}, world.users[ANN]
    now = int(hearing.house.clock.now().timestamp())
    message = {"message_id": 999, "date": now, "chat": chat, "from": sender, "voice": voice(hearing)}
    update = {"update_id": 10**9, "message": message}
    await hearing.bot._intake.store([update, update])
    await hearing.bot._intake.store([update])
    await hearing.idle()
    assert len(await heard(hearing)) == 1
    assert hearing.sandbox.stand_ins.provider("openai").calls == 1
    assert await wallet(hearing, tenant) == WALLET.nanousd - CHARGE
    assert len([m for m in world.messages(ANN) if m.get("text", "").startswith("🎤")]) == 1
    await hearing.check_books()


@pytest.mark.parametrize("kind", ["audio", "video_note"])
async def test_audio_files_and_round_videos_are_heard_too(hearing: Journey, kind: str) -> None:
    tenant, world = await rich(hearing), hearing.sandbox.world
    file = voice(hearing) | {"mime_type": "audio/mpeg"}
    if kind == "video_note":
        file = {name: value for name, value in file.items() if name != "mime_type"} | {"length": 240}
    content: dict[str, Any] = {"caption": "what is this?" if kind == "audio" else None, kind: file}
    said = world.say(ANN, ANN, "", **content)
    await world.wait_message(ANN, lambda m: m["message_id"] > said["message_id"])
    await hearing.idle()
    assert "stand-in for DeepSeek" in world.messages(ANN)[-1]["text"]
    (asked,) = await hearing.rows("SELECT parts FROM messages WHERE role = 'user'")
    assert "I am a recording" in asked["parts"]
    assert ("what is this?" in asked["parts"]) == (kind == "audio")
    assert await wallet(hearing, tenant) == WALLET.nanousd - CHARGE


async def test_recordings_that_came_as_one_are_each_heard_and_answered_together(hearing: Journey) -> None:
    tenant, world = await rich(hearing), hearing.sandbox.world
    now = int(hearing.house.clock.now().timestamp())
    common = {"date": now, "chat": {"id": ANN, "type": "private"}, "from": world.users[ANN], "media_group_id": "g"}
    updates = [
        {"update_id": 10**9 + n, "message": {**common, "message_id": 900 + n, "audio": voice(hearing)}} for n in (0, 1)
    ]
    await hearing.bot._intake.store(updates)
    await hearing.idle()
    assert [line["charge_nanousd"] for line in await heard(hearing)] == [CHARGE, CHARGE]
    assert await wallet(hearing, tenant) == WALLET.nanousd - 2 * CHARGE
    (said,) = await hearing.rows("SELECT parts FROM messages WHERE role = 'user'")
    assert said["parts"].count("I am a recording") == 2
    await hearing.check_books()
