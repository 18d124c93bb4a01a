import asyncio
import json
from typing import Any

import httpx
import openai
import pytest

from tests.journeys.conftest import Journey

ASKED: Any = [{"role": "user", "content": "tell me about the sea, at length"}]


async def key_of(journey: Journey, *, usd: str = "", plan: str = "free", tokens_per_month: int | None = None) -> str:
    async with journey.admin() as admin:
        tenant = (await admin.post("/admin/tenants", json={"name": "team", "plan": plan})).json()["id"]
        if usd:
            await admin.post(
                f"/admin/tenants/{tenant}/credits", json={"usd": usd, "reason": "t"}, headers={"Idempotency-Key": "k"}
            )
        body = {"name": "k", "tokens_per_month": tokens_per_month}
        key: str = (await admin.post(f"/admin/tenants/{tenant}/keys", json=body)).json()["key"]
        return key


def client(journey: Journey, key: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{journey.url}/v1", api_key=key, max_retries=0)


async def test_openai_client_gets_a_whole_answer_with_its_cost(journey: Journey) -> None:
    async with client(journey, await key_of(journey, usd="1")) as ai:
        answer = await ai.chat.completions.create(model="gpt-4o", messages=ASKED)
        assert "stand-in for OpenAI" in (answer.choices[0].message.content or "")
        assert answer.usage is not None
        usage = answer.usage
        nano = round((usage.prompt_tokens * 2500 + usage.completion_tokens * 10000) * 14 / 10)
        assert round(usage.cost * 10**9) == nano  # type: ignore[attr-defined]
        assert usage.allowance_tokens == 0  # type: ignore[attr-defined]
    await journey.check_books()


async def test_stream_ends_with_usage_and_done(journey: Journey) -> None:
    async with client(journey, await key_of(journey)) as ai:
        stream = await ai.chat.completions.create(
            model="auto",
            messages=ASKED,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert "stand-in for DeepSeek" in text
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.allowance_tokens == chunks[-1].usage.total_tokens  # type: ignore[attr-defined]
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"


async def test_headers_name_the_provider_and_the_model(journey: Journey) -> None:
    async with client(journey, await key_of(journey)) as ai:
        raw = await ai.chat.completions.with_raw_response.create(model="auto", messages=ASKED)
    assert raw.headers["x-farthing-provider"] == "deepseek"
    assert raw.headers["x-farthing-model"] == "deepseek-v4-flash"
    assert raw.headers["x-request-id"]


async def test_wrong_key_is_401_and_empty_wallet_402(journey: Journey) -> None:
    async with client(journey, "fk-wrong") as ai:
        with pytest.raises(openai.AuthenticationError) as refused:
            await ai.models.list()
        assert refused.value.code == "invalid_api_key"
    async with client(journey, await key_of(journey)) as ai:
        with pytest.raises(openai.APIStatusError) as poor:
            await ai.chat.completions.create(model="gpt-4o", messages=ASKED)
        assert (poor.value.status_code, poor.value.code) == (402, "insufficient_quota")
        assert "/topup" in poor.value.message


async def test_bad_fields_are_named(journey: Journey) -> None:
    key = await key_of(journey)
    async with httpx.AsyncClient(
        base_url=journey.url, headers={"authorization": f"Bearer {key}"}, trust_env=False, verify=False, timeout=60
    ) as http:
        for body, param in (
            ({"model": "auto"}, "messages"),
            ({"model": "auto", "messages": [{"role": "king", "content": "x"}]}, "messages.0.role"),
            ({"model": "auto", "messages": ASKED, "temperature": 9}, "temperature"),
            ({"messages": ASKED}, "model"),
            ({"model": "auto", "messages": ASKED, "max_tokens": -1}, "max_tokens"),
        ):
            answer = await http.post("/v1/chat/completions", json=body)
            assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
        assert (await http.post("/v1/chat/completions", content=b"{")).status_code in {400, 415}
        assert (await http.post("/v1/chat/completions", json={"model": "nope", "messages": ASKED})).status_code == 404


async def test_all_providers_down_is_503_with_retry_after(journey: Journey) -> None:
    for name in ("deepseek", "gemini", "anthropic", "openai"):
        journey.sandbox.stand_ins.set_mode(name, "down")
    async with client(journey, await key_of(journey)) as ai:
        with pytest.raises(openai.InternalServerError) as down:
            await ai.chat.completions.create(model="auto", messages=ASKED)
    assert down.value.code == "no_provider_available"
    assert int(down.value.response.headers["retry-after"]) >= 1
    await journey.check_books()


async def test_broken_stream_ends_with_one_error_event_and_no_done(journey: Journey) -> None:
    journey.sandbox.stand_ins.set_mode("deepseek", "cut")
    key = await key_of(journey)
    async with httpx.AsyncClient(
        base_url=journey.url, headers={"authorization": f"Bearer {key}"}, trust_env=False, verify=False, timeout=60
    ) as http:
        answer = await http.post("/v1/chat/completions", json={"model": "auto", "messages": ASKED, "stream": True})
    events = [line.removeprefix("data: ") for line in answer.text.splitlines() if line]
    assert events[-1] != "[DONE]"
    assert json.loads(events[-1])["error"]["code"] == "answer_cut"
    await journey.check_books()
    assert await journey.rows("SELECT * FROM holds WHERE state = 'captured'") == []


async def test_client_that_leaves_is_charged_for_the_delivered_part(journey: Journey) -> None:
    journey.sandbox.stand_ins._word_seconds = 0.02
    key = await key_of(journey)
    http = httpx.AsyncClient(
        base_url=journey.url, headers={"authorization": f"Bearer {key}"}, trust_env=False, verify=False, timeout=60
    )
    body = {"model": "auto", "messages": ASKED, "stream": True}
    async with http, http.stream("POST", "/v1/chat/completions", json=body) as answer:
        async for _ in answer.aiter_lines():
            break
    async with asyncio.timeout(60):
        while journey.container.gateway.in_flight:
            await asyncio.sleep(0.01)
    outcomes = [row["outcome"] for row in await journey.rows("SELECT outcome FROM attempts")]
    assert outcomes == ["stopped"]
    await journey.check_books()


async def test_idempotency_key_charges_once_and_replays(journey: Journey) -> None:
    key = await key_of(journey)
    headers = {"authorization": f"Bearer {key}", "idempotency-key": "once"}
    async with httpx.AsyncClient(
        base_url=journey.url, headers=headers, trust_env=False, timeout=60, verify=False
    ) as http:
        body = {"model": "auto", "messages": ASKED}
        first = await http.post("/v1/chat/completions", json=body)
        again = await http.post("/v1/chat/completions", json=body)
        other = await http.post("/v1/chat/completions", json={**body, "n": 2})
    assert first.json() == again.json()
    assert (again.headers["idempotent-replayed"], other.status_code) == ("true", 422)
    assert len(await journey.rows("SELECT * FROM holds WHERE state = 'captured'")) == 1


async def test_keys_own_limit_is_enforced(journey: Journey) -> None:
    async with client(journey, await key_of(journey, tokens_per_month=300)) as ai:
        await ai.chat.completions.create(model="auto", messages=ASKED)
        with pytest.raises(openai.APIStatusError) as refused:
            await ai.chat.completions.create(model="auto", messages=ASKED)
    assert refused.value.status_code == 402
    assert "tokens_per_month" in refused.value.message


async def test_admin_routes_need_the_admin_key(journey: Journey) -> None:
    async with httpx.AsyncClient(base_url=journey.url, trust_env=False, timeout=60, verify=False) as http:
        assert (await http.get("/admin/tenants")).status_code == 401
        assert (await http.get("/health")).json() == {"status": "healthy"}
        assert (await http.get("/ready")).status_code == 200
        assert (await http.get("/nothing")).json()["error"]["code"] == "not_found"


async def test_usage_is_one_table_over_all_providers(journey: Journey) -> None:
    async with client(journey, await key_of(journey)) as ai:
        await ai.chat.completions.create(model="auto", messages=ASKED)
        journey.sandbox.stand_ins.set_mode("deepseek", "down")
        await ai.chat.completions.create(model="auto", messages=ASKED)
    async with journey.admin() as admin:
        rows = (await admin.get("/admin/usage")).json()["data"]
        assert {row["provider"]: row["prompts"] for row in rows} == {"deepseek": 1, "gemini": 1}
        assert (await admin.get("/admin/usage", params={"from": "2026-02-02", "to": "2026-02-01"})).status_code == 400
        assert (await admin.get("/admin/audit")).json()["ok"] is True


async def test_credits_need_an_idempotency_key_and_credit_once(journey: Journey) -> None:
    await key_of(journey)
    async with journey.admin() as admin:
        path, body = "/admin/tenants/1/credits", {"usd": "2.50", "reason": "gift"}
        assert (await admin.post(path, json=body)).status_code == 400
        for _ in range(2):
            tenant = (await admin.post(path, json=body, headers={"Idempotency-Key": "g"})).json()
        assert tenant["wallet_usd"] == "2.50"
        wrong = await admin.post(path, json={**body, "usd": "x"}, headers={"Idempotency-Key": "h"})
        assert wrong.json()["error"]["param"] == "usd"


async def test_providers_never_show_a_key(journey: Journey) -> None:
    key = await key_of(journey)
    async with journey.admin() as admin:
        shown = (await admin.get("/providers")).text
        assert "k-deepseek" not in shown
        assert "prices" in shown
        public = (await admin.get("/providers", headers={"authorization": f"Bearer {key}"})).json()["data"]
    assert all("prices" not in row for row in public)
    assert {row["name"] for row in public if row["configured"]} == {"deepseek", "gemini", "anthropic", "openai"}
