"""Recordings that a crash, a stop, a limit or their age is in the way of; and where they are spoken of."""

import asyncio
import sqlite3
from pathlib import Path

from sandbox.app import Sandbox
from tests.journeys.conftest import ANN, CONFIG, HEARS, ROOM, Journey, begun
from tests.journeys.recordings import CHARGE, WALLET, heard, rich, speak, voice, wallet


async def test_why_tells_of_a_recording_whose_answer_failed(tmp_path: Path, sandbox: Sandbox) -> None:
    config = CONFIG.replace(', "openai/gpt-4o"]', "]").replace('last_resort = ["openai/gpt-4o"]', "")
    async with begun(tmp_path, sandbox, config + HEARS) as journey:
        tenant = await rich(journey)
        for name in ("deepseek", "gemini", "anthropic"):
            sandbox.stand_ins.set_mode(name, "down")
        quoted, told = await speak(journey)
        assert quoted.startswith("🎤")
        assert "No provider can answer" in told
        why = await journey.ask("/why")
        assert "openai/whisper-1" in why
        assert "0.000202323 USD" in why
        assert await wallet(journey, tenant) == WALLET.nanousd - CHARGE
        await journey.check_books()


async def test_after_a_crash_between_hearing_and_answering_it_is_found_and_not_paid_again(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    """The database is copied as it is between the two commits: that is what kill -9 leaves."""
    after = tmp_path / "after"
    after.mkdir()
    async with begun(tmp_path, sandbox, CONFIG + HEARS) as journey:
        tenant = await rich(journey)
        for name in ("deepseek", "gemini", "anthropic"):
            sandbox.stand_ins.set_mode(name, "mute")
        sandbox.world.say(ANN, ANN, "", voice=voice(journey))
        async with asyncio.timeout(30):
            while not sandbox.stand_ins.provider("deepseek").calls:
                await asyncio.sleep(0.01)
        with sqlite3.connect(tmp_path / "farthing.db") as live, sqlite3.connect(after / "farthing.db") as copy:
            live.backup(copy)
            copy.execute("UPDATE leases SET expires_at = 0")
        live.close()
        copy.commit()
        copy.close()
        sandbox.world.block(ANN)  # what this process still has to say does not count
    sandbox.world.unblock(ANN)
    for name in ("deepseek", "gemini", "anthropic"):
        sandbox.stand_ins.set_mode(name, "up")
    calls = sandbox.stand_ins.provider("openai").calls
    async with begun(after, sandbox, CONFIG + HEARS) as journey:
        await journey.idle()
        assert sandbox.stand_ins.provider("openai").calls == calls
        assert [line["kept"] for line in await heard(journey)] == [1]
        assert await wallet(journey, tenant) == WALLET.nanousd - CHARGE
        said = await journey.rows("SELECT role, parts FROM messages ORDER BY id")
        assert [each["role"] for each in said] == ["user", "assistant"]
        assert "I am a recording" in said[0]["parts"]
        assert "stand-in for DeepSeek" in sandbox.world.messages(ANN)[-1]["text"]
        await journey.check_books()


async def test_a_process_that_stops_gives_back_what_it_is_hearing(tmp_path: Path, sandbox: Sandbox) -> None:
    async with begun(tmp_path, sandbox, CONFIG + HEARS) as journey:
        tenant = await rich(journey)
        assert journey.house.transcriber is not None
        sandbox.stand_ins.set_mode("openai", "mute")
        sandbox.world.say(ANN, ANN, "", voice=voice(journey))
        async with asyncio.timeout(30):
            while not sandbox.stand_ins.provider("openai").calls:
                await asyncio.sleep(0.01)
        journey.house.transcriber.close(0)
    sandbox.stand_ins.set_mode("openai", "up")
    async with begun(tmp_path, sandbox, CONFIG + HEARS) as journey:
        await journey.idle()
        assert [line["outcome"] for line in await heard(journey)] == ["closing", "answered"]
        assert await wallet(journey, tenant) == WALLET.nanousd - CHARGE
        await journey.check_books()


async def test_without_a_transcriber_it_is_said_that_there_is_none(journey: Journey) -> None:
    await rich(journey)
    (told,) = await speak(journey)
    assert "transcription is not set up" in told
    assert await journey.rows("SELECT * FROM holds") == []


async def test_a_recording_longer_than_the_operator_allows_is_refused_unfetched(hearing: Journey) -> None:
    await rich(hearing)
    (told,) = await speak(hearing, seconds=61)
    assert "the limit is 1 min" in told
    assert await hearing.rows("SELECT * FROM holds") == []


async def test_files_a_minute_are_counted_for_recordings_too(tmp_path: Path, sandbox: Sandbox) -> None:
    async with begun(tmp_path, sandbox, CONFIG + HEARS + "[access]\nfiles_per_minute = 1\n") as journey:
        tenant = await rich(journey)
        await speak(journey)
        (told,) = await speak(journey)
        assert "more than 1 file in a minute" in told
        assert await wallet(journey, tenant) == WALLET.nanousd - CHARGE
        await journey.check_books()


async def test_who_is_over_the_plans_requests_does_not_pay_for_hearing(tmp_path: Path, sandbox: Sandbox) -> None:
    config = CONFIG.replace("requests_per_minute = 1000", "requests_per_minute = 1")
    async with begun(tmp_path, sandbox, config + HEARS) as journey:
        tenant = await rich(journey)
        await journey.ask("tell me about the sea")
        (told,) = await speak(journey)
        assert "a minute" in told
        assert await wallet(journey, tenant) == WALLET.nanousd
        assert await heard(journey) == []


async def test_an_old_recording_is_not_heard_unasked(hearing: Journey) -> None:
    tenant = await rich(hearing)
    world = hearing.sandbox.world
    before = int(hearing.house.clock.now().timestamp()) - 4000
    chat, sender = {"id": ANN, "type": "private"}, world.users[ANN]
    message = {"message_id": 999, "date": before, "chat": chat, "from": sender, "voice": voice(hearing)}
    await hearing.bot._intake.store([{"update_id": 10**9, "message": message}])
    await hearing.idle()
    assert "send it again" in world.messages(ANN)[-1]["text"]
    assert await wallet(hearing, tenant) == WALLET.nanousd
    assert await heard(hearing) == []


async def test_in_a_group_the_quote_answers_its_recording(hearing: Journey) -> None:
    await rich(hearing)
    world = hearing.sandbox.world
    await hearing.ask("/ask hello", ANN, ROOM)
    await hearing.idle()
    answer = [m for m in world.messages(ROOM) if m["from"].get("is_bot")][-1]
    quoted, _ = await speak(hearing, ANN, ROOM, reply_to=answer["message_id"])
    assert quoted.startswith("🎤")
    shown = next(m for m in world.messages(ROOM) if m.get("text") == quoted)
    assert "voice" in shown["reply_to_message"]


async def test_help_and_privacy_tell_of_it_where_it_is_heard(hearing: Journey) -> None:
    assert "0.0934 ¢ a minute" in await hearing.ask("/help")
    assert "also go to openai" in await hearing.ask("/privacy")


async def test_help_and_privacy_say_nothing_of_it_where_it_is_not(journey: Journey) -> None:
    assert "a minute" not in await journey.ask("/help")
    assert "recording" not in await journey.ask("/privacy")
