"""Journeys of recordings: transcribed once, charged to the nano-dollar, answered as text."""

from datetime import timedelta
from typing import Any

import pytest

from engine.money import Money
from storage.reports import journal
from tests.journeys.conftest import ANN, OLGA, Journey
from tests.journeys.recordings import (
    CHARGE,
    COST,
    WALLET,
    funded_tenant,
    send_recording,
    transcription_attempts,
    voice,
    wallet,
)


async def test_recording_is_transcribed_shown_answered_and_charged_exactly(transcribing: Journey) -> None:
    tenant = await funded_tenant(transcribing)
    quoted, answer = await send_recording(transcribing)
    assert quoted == "🎤 I am a recording of 12 seconds, transcribed by a stand-in for OpenAI."
    assert "stand-in for DeepSeek" in answer
    assert "getFile" in [name for name, _ in transcribing.sandbox.world.calls]
    (line,) = await transcription_attempts(transcribing)
    assert (line["provider"], line["model"], line["kept"], line["outcome"]) == ("openai", "whisper-1", 1, "answered")
    assert (line["cost_nanousd"], line["waste_nanousd"], line["charge_nanousd"]) == (COST, 0, CHARGE)
    (hold,) = await transcribing.rows("SELECT * FROM holds WHERE request_id LIKE '%:voice'")
    assert (hold["state"], hold["wallet_nanousd"], hold["charge_nanousd"]) == ("captured", CHARGE + 1, CHARGE)
    assert await wallet(transcribing, tenant) == WALLET.nanousd - CHARGE
    said = await transcribing.rows("SELECT role, parts FROM messages ORDER BY id")
    assert "I am a recording" in said[0]["parts"]
    assert len(said) == 2
    await transcribing.check_books()


async def test_transcript_is_sent_as_a_quote(transcribing: Journey) -> None:
    await funded_tenant(transcribing)
    quoted, _ = await send_recording(transcribing)
    message = next(m for m in transcribing.sandbox.world.messages(ANN) if m.get("text") == quoted)
    units = len(quoted.encode("utf-16-le")) // 2
    assert message["entities"] == [{"type": "expandable_blockquote", "offset": 0, "length": units}]


async def test_usage_and_margin_show_recordings_by_provider_and_model(transcribing: Journey) -> None:
    await funded_tenant(transcribing)
    await send_recording(transcribing)
    async with transcribing.admin() as http:
        usage = (await http.get("/admin/usage")).json()["data"]
    (row,) = [each for each in usage if each["model"] == "whisper-1"]
    assert (row["provider"], row["charge_usd"], row["cost_usd"]) == ("openai", "0.000202323", "0.000144517")
    assert (row["input_tokens"], row["output_tokens"], row["allowance_tokens"]) == (0, 0, 0)
    assert "whisper-1" in await transcribing.ask("/usage")
    await transcribing.ask("/start", OLGA)
    assert "whisper-1" in await transcribing.ask("/margin", OLGA)


@pytest.mark.parametrize(
    ("mode", "outcome"),
    [
        ("down", "overloaded"),
        ("429", "rate_limited"),
        ("key_refused", "key_refused"),
        ("money_gone", "balance_gone"),
        ("garbage", "garbled"),
        ("reset", "cut"),
        ("cut", "cut"),
    ],
)
async def test_failed_transcription_is_reported_and_not_charged(transcribing: Journey, mode: str, outcome: str) -> None:
    tenant = await funded_tenant(transcribing)
    transcribing.sandbox.stand_ins.set_mode("openai", mode)
    (told,) = await send_recording(transcribing)
    assert "Nothing was charged" in told
    (line,) = await transcription_attempts(transcribing)
    assert (line["kept"], line["outcome"], line["charge_nanousd"], line["cost_nanousd"]) == (0, outcome, 0, 0)
    (hold,) = await transcribing.rows("SELECT state FROM holds")
    assert hold["state"] == "void"
    assert await wallet(transcribing, tenant) == WALLET.nanousd
    assert await transcribing.rows("SELECT * FROM messages") == []
    await transcribing.check_books()


async def test_key_refused_for_a_recording_rests_for_prompts_too(transcribing: Journey) -> None:
    await funded_tenant(transcribing)
    transcribing.sandbox.stand_ins.set_mode("openai", "key_refused")
    await send_recording(transcribing)
    assert transcribing.container.market.health.is_locked_out("openai")
    calls = transcribing.sandbox.stand_ins.provider("openai").calls
    (told,) = await send_recording(transcribing)
    assert "No provider can answer" in told
    assert transcribing.sandbox.stand_ins.provider("openai").calls == calls


async def test_missing_money_is_reported_before_the_file_is_fetched(transcribing: Journey) -> None:
    tenant = await funded_tenant(transcribing, wallet=Money(CHARGE))  # the hold needs a nano-dollar more
    (told,) = await send_recording(transcribing)
    assert "Recordings are paid from your wallet" in told
    assert "1 ¢ more" in told
    assert transcribing.sandbox.stand_ins.provider("openai").calls == 0
    assert "getFile" not in [name for name, _ in transcribing.sandbox.world.calls]
    assert await transcription_attempts(transcribing) == []
    assert await wallet(transcribing, tenant) == CHARGE
    await transcribing.check_books()


async def test_exact_wallet_is_enough(transcribing: Journey) -> None:
    tenant = await funded_tenant(transcribing, wallet=Money(CHARGE + 1))
    assert len(await send_recording(transcribing)) == 2
    assert await wallet(transcribing, tenant) == 1


async def test_silence_is_not_charged_and_is_waste(transcribing: Journey) -> None:
    tenant = await funded_tenant(transcribing)
    transcribing.sandbox.stand_ins.set_mode("openai", "empty")
    (told,) = await send_recording(transcribing)
    assert "heard no words" in told
    (line,) = await transcription_attempts(transcribing)
    assert (line["kept"], line["outcome"]) == (0, "nothing_heard")
    assert (line["cost_nanousd"], line["waste_nanousd"], line["charge_nanousd"]) == (COST, COST, 0)
    assert transcribing.container.market.health.state("openai").failures == 0
    since = transcribing.container.clock.now() - timedelta(hours=1)
    assert not await transcribing.container.db.read(lambda conn: journal.failing_models(conn, "openai", since))
    assert await wallet(transcribing, tenant) == WALLET.nanousd
    await transcribing.check_books()


async def test_understated_length_is_charged_up_to_the_hold_and_the_rest_is_waste(
    transcribing: Journey,
) -> None:
    tenant = await funded_tenant(transcribing)
    await send_recording(transcribing, seconds=2)
    (line,) = await transcription_attempts(transcribing)
    held = 667_000 * 3 // 60  # two seconds, and one more for rounding
    assert line["cost_nanousd"] == COST
    assert line["waste_nanousd"] == COST - held
    assert line["charge_nanousd"] == held * 14 // 10
    assert await wallet(transcribing, tenant) == WALLET.nanousd - held * 14 // 10
    (told,) = await send_recording(transcribing)
    assert "files again tomorrow" in told
    assert transcribing.sandbox.stand_ins.provider("openai").calls == 1
    await transcribing.check_books()


async def test_recording_delivered_twice_is_transcribed_and_charged_once(transcribing: Journey) -> None:
    tenant = await funded_tenant(transcribing)
    world = transcribing.sandbox.world
    chat, sender = {"id": ANN, "type": "private"}, world.users[ANN]
    now = int(transcribing.container.clock.now().timestamp())
    message = {"message_id": 999, "date": now, "chat": chat, "from": sender, "voice": voice(transcribing)}
    update = {"update_id": 10**9, "message": message}
    await transcribing.bot._intake.store([update, update])
    await transcribing.bot._intake.store([update])
    await transcribing.idle()
    assert len(await transcription_attempts(transcribing)) == 1
    assert transcribing.sandbox.stand_ins.provider("openai").calls == 1
    assert await wallet(transcribing, tenant) == WALLET.nanousd - CHARGE
    assert len([m for m in world.messages(ANN) if m.get("text", "").startswith("🎤")]) == 1
    await transcribing.check_books()


@pytest.mark.parametrize("kind", ["audio", "video_note"])
async def test_audio_files_and_round_videos_are_transcribed_too(transcribing: Journey, kind: str) -> None:
    tenant, world = await funded_tenant(transcribing), transcribing.sandbox.world
    file = voice(transcribing) | {"mime_type": "audio/mpeg"}
    if kind == "video_note":
        file = {name: value for name, value in file.items() if name != "mime_type"} | {"length": 240}
    content: dict[str, Any] = {"caption": "what is this?" if kind == "audio" else None, kind: file}
    said = world.say(ANN, ANN, "", **content)
    await world.wait_message(ANN, lambda m: m["message_id"] > said["message_id"])
    await transcribing.idle()
    assert "stand-in for DeepSeek" in world.messages(ANN)[-1]["text"]
    (asked,) = await transcribing.rows("SELECT parts FROM messages WHERE role = 'user'")
    assert "I am a recording" in asked["parts"]
    assert ("what is this?" in asked["parts"]) == (kind == "audio")
    assert await wallet(transcribing, tenant) == WALLET.nanousd - CHARGE


async def test_recordings_of_one_prompt_are_transcribed_one_by_one_and_answered_together(transcribing: Journey) -> None:
    tenant, world = await funded_tenant(transcribing), transcribing.sandbox.world
    now = int(transcribing.container.clock.now().timestamp())
    common = {"date": now, "chat": {"id": ANN, "type": "private"}, "from": world.users[ANN], "media_group_id": "g"}
    updates = [
        {"update_id": 10**9 + n, "message": {**common, "message_id": 900 + n, "audio": voice(transcribing)}}
        for n in (0, 1)
    ]
    await transcribing.bot._intake.store(updates)
    await transcribing.idle()
    assert [line["charge_nanousd"] for line in await transcription_attempts(transcribing)] == [CHARGE, CHARGE]
    assert await wallet(transcribing, tenant) == WALLET.nanousd - 2 * CHARGE
    (said,) = await transcribing.rows("SELECT parts FROM messages WHERE role = 'user'")
    assert said["parts"].count("I am a recording") == 2
    await transcribing.check_books()
