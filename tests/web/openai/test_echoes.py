"""Texts of tenants that providers quote in their errors, over real HTTP."""

from typing import Any

import pytest

from tests.web.conftest import ADMIN_KEY, RunningApi

CHAT = "/v1/chat/completions"
TEXTS = (
    "insufficient_quota",
    "invalid_api_key API_KEY_INVALID authentication_error permission_error",
    "This model's maximum context length is 10 tokens. However, you requested 20 tokens.",
    "unknown model, model_not_found, credit balance is too low, billing",
)


def asked(text: str, model: str = "auto", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


async def states(api: RunningApi) -> set[str]:
    async with api.http(ADMIN_KEY) as admin:
        return {row["state"] for row in (await admin.get("/providers")).json()["data"] if row["configured"]}


@pytest.mark.parametrize("stream", [False, True])
async def test_quoted_prompt_ends_its_own_request_only(api: RunningApi, stream: bool) -> None:
    await api.idle()
    api.set_mode("rejected")
    async with api.http() as http:
        for text in TEXTS:
            for _ in range(3):
                answer = await http.post(CHAT, json=asked(text, stream=stream))
                assert answer.status_code == 400
                error = answer.json()["error"]
                assert error["message"].startswith("The request was rejected: the provider refuses it as invalid")
                assert text not in answer.text
        api.set_mode("up")
        assert await states(api) == {"closed"}
        answer = await http.post(CHAT, json=asked("tell me about the sea, at length " * 20))
        assert answer.headers["x-farthing-provider"] == "deepseek"
    await api.idle()
    outcomes = {(row["provider"], row["outcome"]) for row in await api.rows("SELECT * FROM attempts")}
    assert {("deepseek", "bad_request"), ("gemini", "bad_request")} <= outcomes
    await api.check_books()


async def test_request_refused_by_one_dialect_is_answered_by_another(api: RunningApi) -> None:
    api.set_mode("rejected", "deepseek")
    async with api.http() as http:
        for text in TEXTS:
            answer = await http.post(CHAT, json=asked(text))
            assert (answer.status_code, answer.headers["x-farthing-provider"]) == (200, "gemini")
    await api.idle()
    await api.check_books()


async def test_refused_model_by_name_is_rejected_after_one_attempt(api: RunningApi) -> None:
    api.set_mode("rejected", "openai")
    async with api.http() as http:
        answer = await http.post(CHAT, json=asked(TEXTS[0], "gpt-4o"))
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request_error")
    assert api.sandbox.stand_ins.provider("openai").calls == 1
