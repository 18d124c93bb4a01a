"""Journeys of recordings with a crash, a stop, a limit or a great age, and of texts that refer to recordings."""

import asyncio
import sqlite3
from pathlib import Path

from sandbox.app import Sandbox
from tests.journeys.conftest import ANN, CONFIG, GROUP_ID, TRANSCRIBER, Journey, started
from tests.journeys.recordings import (
    CHARGE,
    WALLET,
    funded_tenant,
    send_recording,
    transcription_attempts,
    voice,
    wallet,
)


async def test_why_shows_a_recording_whose_answer_failed(tmp_path: Path, sandbox: Sandbox) -> None:
    config = CONFIG.replace(', "openai/gpt-4o"]', "]").replace('last_resort = ["openai/gpt-4o"]', "")
    async with started(tmp_path, sandbox, config + TRANSCRIBER) as journey:
        tenant = await funded_tenant(journey)
        for name in ("deepseek", "gemini", "anthropic"):
            sandbox.stand_ins.set_mode(name, "down")
        quoted, told = await send_recording(journey)
        assert quoted.startswith("🎤")
        assert "No provider can answer" in told
        why = await journey.ask("/why")
        assert "openai/whisper-1" in why
        assert "0.02023 ¢" in why
        assert await wallet(journey, tenant) == WALLET.nanousd - CHARGE
        await journey.check_books()


async def test_transcript_is_reused_after_a_crash_and_not_charged_again(tmp_path: Path, sandbox: Sandbox) -> None:
    """The database is copied between the two commits, in the state that a kill -9 would leave."""
    after = tmp_path / "after"
    after.mkdir()
    async with started(tmp_path, sandbox, CONFIG + TRANSCRIBER) as journey:
        tenant = await funded_tenant(journey)
        for name in ("deepseek", "gemini", "anthropic"):
            sandbox.stand_ins.set_mode(name, "mute")
        sandbox.world.say(ANN, ANN, "", voice=voice(journey))
        async with asyncio.timeout(60):
            while not sandbox.stand_ins.provider("deepseek").calls:
                await asyncio.sleep(0.01)
        with sqlite3.connect(tmp_path / "farthing.db") as live, sqlite3.connect(after / "farthing.db") as copy:
            live.backup(copy)
            copy.execute("UPDATE leases SET expires_at = 0")
        live.close()
        copy.commit()
        copy.close()
        sandbox.world.block(ANN)  # so that later messages of this process are not counted
    sandbox.world.unblock(ANN)
    for name in ("deepseek", "gemini", "anthropic"):
        sandbox.stand_ins.set_mode(name, "up")
    calls = sandbox.stand_ins.provider("openai").calls
    async with started(after, sandbox, CONFIG + TRANSCRIBER) as journey:
        await journey.idle()
        assert sandbox.stand_ins.provider("openai").calls == calls
        assert [line["kept"] for line in await transcription_attempts(journey)] == [1]
        assert await wallet(journey, tenant) == WALLET.nanousd - CHARGE
        said = await journey.rows("SELECT role, parts FROM messages ORDER BY id")
        assert [each["role"] for each in said] == ["user", "assistant"]
        assert "I am a recording" in said[0]["parts"]
        assert "stand-in for DeepSeek" in sandbox.world.messages(ANN)[-1]["text"]
        await journey.check_books()


async def test_stopping_process_voids_a_running_transcription(tmp_path: Path, sandbox: Sandbox) -> None:
    async with started(tmp_path, sandbox, CONFIG + TRANSCRIBER) as journey:
        tenant = await funded_tenant(journey)
        assert journey.container.transcriber is not None
        sandbox.stand_ins.set_mode("openai", "mute")
        sandbox.world.say(ANN, ANN, "", voice=voice(journey))
        async with asyncio.timeout(60):
            while not sandbox.stand_ins.provider("openai").calls:
                await asyncio.sleep(0.01)
        journey.container.transcriber.close(0)
    sandbox.stand_ins.set_mode("openai", "up")
    async with started(tmp_path, sandbox, CONFIG + TRANSCRIBER) as journey:
        await journey.idle()
        assert [line["outcome"] for line in await transcription_attempts(journey)] == ["closing", "answered"]
        assert await wallet(journey, tenant) == WALLET.nanousd - CHARGE
        await journey.check_books()


async def test_missing_transcriber_is_reported(journey: Journey) -> None:
    await funded_tenant(journey)
    (told,) = await send_recording(journey)
    assert "transcription is not set up" in told
    assert await journey.rows("SELECT * FROM holds") == []


async def test_recording_over_the_operators_limit_is_refused_unfetched(transcribing: Journey) -> None:
    await funded_tenant(transcribing)
    (told,) = await send_recording(transcribing, seconds=61)
    assert "the limit is 1 min" in told
    assert await transcribing.rows("SELECT * FROM holds") == []


async def test_recordings_count_as_files_per_minute(tmp_path: Path, sandbox: Sandbox) -> None:
    async with started(tmp_path, sandbox, CONFIG + TRANSCRIBER + "[access]\nfiles_per_minute = 1\n") as journey:
        tenant = await funded_tenant(journey)
        await send_recording(journey)
        (told,) = await send_recording(journey)
        assert "more than 1 file in a minute" in told
        assert await wallet(journey, tenant) == WALLET.nanousd - CHARGE
        await journey.check_books()


async def test_recording_over_the_plans_requests_is_not_transcribed(tmp_path: Path, sandbox: Sandbox) -> None:
    config = CONFIG.replace("requests_per_minute = 1000", "requests_per_minute = 1")
    async with started(tmp_path, sandbox, config + TRANSCRIBER) as journey:
        tenant = await funded_tenant(journey)
        await journey.ask("tell me about the sea")
        (told,) = await send_recording(journey)
        assert "a minute" in told
        assert await wallet(journey, tenant) == WALLET.nanousd
        assert await transcription_attempts(journey) == []


async def test_old_recording_is_not_transcribed_without_confirmation(transcribing: Journey) -> None:
    tenant = await funded_tenant(transcribing)
    world = transcribing.sandbox.world
    before = int(transcribing.container.clock.now().timestamp()) - 4000
    chat, sender = {"id": ANN, "type": "private"}, world.users[ANN]
    message = {"message_id": 999, "date": before, "chat": chat, "from": sender, "voice": voice(transcribing)}
    await transcribing.bot._intake.store([{"update_id": 10**9, "message": message}])
    await transcribing.idle()
    assert "Do you still want an answer?" in world.messages(ANN)[-1]["text"]
    assert await wallet(transcribing, tenant) == WALLET.nanousd
    assert await transcription_attempts(transcribing) == []
    await transcribing.press("Yes, answer")
    await world.wait_message(ANN, lambda m: "stand-in for DeepSeek" in m.get("text", ""))
    await transcribing.idle()
    assert await wallet(transcribing, tenant) == WALLET.nanousd - CHARGE
    assert len(await transcription_attempts(transcribing)) == 1


async def test_group_transcript_replies_to_its_recording(transcribing: Journey) -> None:
    await funded_tenant(transcribing)
    world = transcribing.sandbox.world
    await transcribing.ask("/ask hello", ANN, GROUP_ID)
    await transcribing.idle()
    answer = [m for m in world.messages(GROUP_ID) if m["from"].get("is_bot")][-1]
    quoted, _ = await send_recording(transcribing, ANN, GROUP_ID, reply_to=answer["message_id"])
    assert quoted.startswith("🎤")
    shown = next(m for m in world.messages(GROUP_ID) if m.get("text") == quoted)
    assert "voice" in shown["reply_to_message"]


async def test_help_and_privacy_mention_recordings_with_a_transcriber(transcribing: Journey) -> None:
    assert "0.09338 ¢ a minute" in await transcribing.ask("/help")
    assert "also go to OpenAI" in await transcribing.ask("/privacy")


async def test_help_and_privacy_omit_recordings_without_a_transcriber(journey: Journey) -> None:
    assert "a minute" not in await journey.ask("/help")
    assert "recording" not in await journey.ask("/privacy")
