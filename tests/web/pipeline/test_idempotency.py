"""Idempotency-Key with a chat completion."""

import asyncio
import hashlib
import json
from typing import Any

import pytest

from storage.database.connection import Connection
from storage.operations import idempotency
from tests.web.conftest import ASKED, RunningApi

CHAT = "/v1/chat/completions"


async def ask(api: RunningApi, key: str, *, stream: bool = False, text: str = "tell me about the sea") -> Any:
    body = {"model": "auto", "messages": [{"role": "user", "content": text}], "stream": stream}
    async with api.http(**{"Idempotency-Key": key}) as http:
        return await http.post(CHAT, json=body)


async def captured(api: RunningApi) -> int:
    return len(await api.rows("SELECT request_id FROM holds WHERE state = 'captured'"))


@pytest.mark.parametrize("stream", [False, True])
async def test_repeated_request_gets_the_stored_answer_and_is_charged_once(api: RunningApi, *, stream: bool) -> None:
    first, again = [await ask(api, "k", stream=stream) for _ in range(2)]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"].partition(";")[0]
    assert again.headers["x-farthing-model"] == first.headers["x-farthing-model"] == "deepseek-v4-flash"
    assert again.content == first.content
    assert not stream or again.text.endswith("data: [DONE]\n\n")
    assert await captured(api) == 1
    await api.check_books()


async def test_other_key_is_another_request(api: RunningApi) -> None:
    for key in ("a", "b"):
        assert "idempotent-replayed" not in (await ask(api, key)).headers
    assert await captured(api) == 2


async def test_key_of_another_tenant_is_another_request(api: RunningApi) -> None:
    await ask(api, "k")
    api.key = await api.make_key()
    assert "idempotent-replayed" not in (await ask(api, "k")).headers


async def test_key_with_another_body_is_refused(api: RunningApi) -> None:
    await ask(api, "k")
    answer = await ask(api, "k", text="another question")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "idempotency_mismatch")
    assert await captured(api) == 1


async def test_second_request_in_flight_is_a_conflict(api: RunningApi) -> None:
    api.sandbox.stand_ins._word_seconds = 0.5  # the answer would take half a minute
    first = asyncio.create_task(ask(api, "k"))
    async with asyncio.timeout(60):
        while not api.sandbox.stand_ins.provider("deepseek").streams:
            await asyncio.sleep(0.01)
    second = await ask(api, "k")
    assert (second.status_code, second.json()["error"]["code"]) == (409, "idempotency_conflict")
    api.sandbox.stand_ins._word_seconds = 0
    assert (await first).status_code == 200


async def test_failed_request_frees_its_key(api: RunningApi) -> None:
    api.set_mode("down")
    assert (await ask(api, "k")).status_code == 503
    assert await api.rows("SELECT key FROM idempotency") == []
    api.set_mode("up")
    for name in ("deepseek", "gemini"):
        api.container.market.health.restore(name)
    assert (await ask(api, "k")).status_code == 200


async def test_stream_that_breaks_off_frees_its_key(api: RunningApi) -> None:
    api.set_mode("cut")
    answer = await ask(api, "k", stream=True)
    assert (answer.status_code, "answer_cut" in answer.text) == (200, True)
    assert await api.rows("SELECT key FROM idempotency") == []


async def test_key_of_a_dead_process_can_be_claimed(api: RunningApi) -> None:
    raw = json.dumps({"model": "auto", "messages": ASKED}).encode()
    now = api.container.clock.now()

    def claimed_by(conn: Connection, key: str, lease_id: str) -> None:
        digest = hashlib.sha256(raw).hexdigest()
        idempotency.begin(
            conn, 1, key, body_sha256=digest, lease_id=lease_id, holder_is_dead=False, request_id="r", now=now
        )

    await api.container.db.write(lambda conn: claimed_by(conn, "dead", "gone"))
    await api.container.db.write(lambda conn: claimed_by(conn, "living", api.container.lease.id))
    statuses = []
    for key in ("dead", "living"):
        async with api.http(**{"Idempotency-Key": key, "content-type": "application/json"}) as http:
            statuses.append((await http.post(CHAT, content=raw)).status_code)
    assert statuses == [200, 409]


@pytest.mark.parametrize(("key", "status"), [("", 400), ("k" * 255, 200), ("k" * 256, 400)])
async def test_key_has_1_to_255_characters(api: RunningApi, key: str, status: int) -> None:
    async with api.http(**{"Idempotency-Key": key}) as http:
        answer = await http.post(CHAT, json={"model": "auto", "messages": ASKED})
    assert answer.status_code == status
    assert status == 200 or answer.json()["error"]["param"] == "Idempotency-Key"
