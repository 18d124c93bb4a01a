"""Providers that a person excludes get nothing: from the chat, through the person's API keys, or as recordings."""

import asyncio
from pathlib import Path

import httpx
import openai
import pytest

from sandbox.app import Sandbox
from storage.tenants import api_keys
from tests.journeys.conftest import CONFIG, Journey, started
from tests.journeys.recordings import funded_tenant, send_recording
from tests.journeys.test_http import ASKED, client


async def own_key(journey: Journey) -> str:
    """Return the secret of an API key that belongs to Ann."""
    tenant, key, now = await funded_tenant(journey), api_keys.new_key(), journey.container.clock.now()
    settings = api_keys.KeySettings(name="laptop")
    await journey.container.db.write(lambda conn: api_keys.add(conn, tenant, key, settings, now))
    return key.secret


async def leave_out(journey: Journey, *labels: str) -> None:
    await journey.ask("/settings")
    await journey.press("Who sees my prompts")
    for label in labels:
        await journey.idle()
        await journey.press(f"✓ {label}")
    await journey.idle()


async def asked(journey: Journey) -> list[str]:
    return [row["provider"] for row in await journey.rows("SELECT provider FROM attempts ORDER BY id")]


async def test_choice_in_the_chat_holds_for_api_keys_too(journey: Journey) -> None:
    key = await own_key(journey)
    await leave_out(journey, "China")
    await journey.ask("tell me about the sea")
    async with client(journey, key) as ai:
        raw = await ai.chat.completions.with_raw_response.create(model="auto", messages=ASKED)
        assert raw.headers["x-farthing-provider"] == "gemini"
        await leave_out(journey, "United States")
        with pytest.raises(openai.PermissionDeniedError) as refused:
            await ai.chat.completions.create(model="auto", messages=ASKED)
    assert refused.value.code == "providers_excluded"
    assert "/settings" in refused.value.message
    assert "Nothing was sent and nothing charged" in await journey.ask("hello again")
    assert await asked(journey) == ["gemini", "gemini"]
    await journey.check_books()


async def test_anthropic_client_gets_its_own_shape(journey: Journey) -> None:
    key = await own_key(journey)
    await leave_out(journey, "China", "United States")
    async with httpx.AsyncClient(
        base_url=journey.url, headers={"x-api-key": key}, trust_env=False, verify=False, timeout=60
    ) as http:
        body = {"model": "auto", "max_tokens": 50, "messages": ASKED}
        answer = await http.post("/v1/messages", json=body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (403, "permission_error")


async def test_name_of_a_conversation_is_made_by_a_provider_that_is_let_in(tmp_path: Path, sandbox: Sandbox) -> None:
    async with started(tmp_path, sandbox, CONFIG + "[access]\nname_conversations = true\n") as journey:
        await funded_tenant(journey)
        await leave_out(journey, "China")
        await journey.ask("tell me about the sea")
        await journey.idle()
        async with asyncio.timeout(60):
            while len(await asked(journey)) < 2:
                await asyncio.sleep(0.01)
        assert await asked(journey) == ["gemini", "gemini"]  # the answer and the name


async def test_recording_is_not_sent_to_a_provider_that_is_left_out(transcribing: Journey) -> None:
    await funded_tenant(transcribing)
    await leave_out(transcribing, "OpenAI")
    (answer,) = await send_recording(transcribing)
    assert "Your settings leave out every provider that could answer this: OpenAI." in answer
    assert await asked(transcribing) == []
    await transcribing.check_books()
