"""Recordings: put into writing once, paid to the nano-dollar, answered as text."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.money import Money
from sandbox.app import Sandbox
from storage import journal, ledger, tenants
from tests.journeys.conftest import ANN, CONFIG, OLGA, ROOM, Journey, begun

HEARS = """
[transcriber]
offer = "openai/whisper-1"
usd_per_minute = "0.000667"
max_seconds = 60
"""
SPOKEN = b"s" * 50_000  # 12.5 seconds to the stand-in: 13 are billed
COST, CHARGE = 144_517, 202_323  # 667,000 x 13 / 60 = 144,516.67; times 1.40 = 202,323.33
WALLET = Money.usd("5")


@pytest.fixture
async def hearing(tmp_path: Path, sandbox: Sandbox) -> AsyncIterator[Journey]:
    async with begun(tmp_path, sandbox, CONFIG + HEARS) as running:
        yield running


async def rich(journey: Journey, user: int = ANN, wallet: Money = WALLET) -> int:
    """The tenant of this user, with money."""
    await journey.ask("/start", user)
    now = journey.house.clock.now()

    def unit(conn: Any) -> int:
        state = tenants.by_telegram(conn, user)
        assert state is not None
        ledger.credit(conn, state.id, wallet, ref=f"gift:{user}", reason="gift", now=now)
        return state.id

    return await journey.house.db.write(unit)


def voice(journey: Journey, data: bytes = SPOKEN, seconds: int = 12) -> dict[str, Any]:
    world = journey.sandbox.world
    file = world.keep_file("file_0.oga", "audio/ogg", data)
    return {
        "file_id": file,
        "file_unique_id": file,
        "file_size": len(data),
        "duration": seconds,
        "mime_type": "audio/ogg",
    }


async def speak(journey: Journey, user: int = ANN, chat: int | None = None, **recording: Any) -> list[str]:
    """All that the bot says to a recording."""
    world, place = journey.sandbox.world, user if chat is None else chat
    replied = recording.pop("reply_to", None)
    said = world.say(place, user, "", reply_to=replied, voice=voice(journey, **recording))
    await world.wait_message(place, lambda m: m["message_id"] > said["message_id"])
    await journey.idle()
    return [m["text"] for m in world.messages(place) if m["message_id"] > said["message_id"]]


async def heard(journey: Journey) -> list[Any]:
    return await journey.rows("SELECT * FROM attempts WHERE request_id LIKE '%:voice' ORDER BY id")


async def wallet(journey: Journey, tenant: int) -> int:
    (account,) = await journey.rows(f"SELECT * FROM accounts WHERE tenant_id = {tenant}")
    assert account["held_nanousd"] == 0
    return int(account["balance_nanousd"])


async def test_a_recording_is_written_down_shown_and_answered_and_charged_to_the_nano_dollar(hearing: Journey) -> None:
    tenant = await rich(hearing)
    quoted, answer = await speak(hearing)
    assert quoted == "🎤 I am a recording of 12 seconds, put into writing by a stand-in for OpenAI."
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
    assert hearing.house.market.health.needs_mending("openai")
    calls = hearing.sandbox.stand_ins.provider("openai").calls
    (told,) = await speak(hearing)
    assert "down or resting" in told
    assert hearing.sandbox.stand_ins.provider("openai").calls == calls


async def test_too_little_money_is_said_before_anything_is_fetched(hearing: Journey) -> None:
    tenant = await rich(hearing, wallet=Money(CHARGE))  # the hold is a nano-dollar more
    (told,) = await speak(hearing)
    assert "Listening is paid from your wallet" in told
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
    assert "files tomorrow" in told
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


async def test_why_tells_of_a_recording_whose_answer_failed(tmp_path: Path, sandbox: Sandbox) -> None:
    config = CONFIG.replace(', "openai/gpt-4o"]', "]").replace('last_resort = ["openai/gpt-4o"]', "")
    async with begun(tmp_path, sandbox, config + HEARS) as journey:
        tenant = await rich(journey)
        for name in ("deepseek", "gemini", "anthropic"):
            sandbox.stand_ins.set_mode(name, "down")
        quoted, told = await speak(journey)
        assert quoted.startswith("🎤")
        assert "Every provider is down" in told
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
    assert "no transcriber is set up" in told
    assert await journey.rows("SELECT * FROM holds") == []


async def test_a_recording_longer_than_the_operator_allows_is_refused_unfetched(hearing: Journey) -> None:
    await rich(hearing)
    (told,) = await speak(hearing, seconds=61)
    assert "1 min are the most" in told
    assert await hearing.rows("SELECT * FROM holds") == []


async def test_files_a_minute_are_counted_for_recordings_too(tmp_path: Path, sandbox: Sandbox) -> None:
    async with begun(tmp_path, sandbox, CONFIG + HEARS + "[access]\nfiles_per_minute = 1\n") as journey:
        tenant = await rich(journey)
        await speak(journey)
        (told,) = await speak(journey)
        assert "more than 1 files in a minute" in told
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
    assert "also goes to openai" in await hearing.ask("/privacy")


async def test_help_and_privacy_say_nothing_of_it_where_it_is_not(journey: Journey) -> None:
    assert "a minute" not in await journey.ask("/help")
    assert "recording" not in await journey.ask("/privacy")
