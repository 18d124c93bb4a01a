"""The server of all stand-ins: modes, in which each provider fails in its own way, limits and free probes."""

import asyncio
import json

import httpx
import pytest

from sandbox.providers import MODES, MORE_MODES, StandIns
from tests.sandbox.providers.asking import LONG, PLAIN, PROVIDERS, Asking, events, request, said

_REFUSALS = {
    "key_refused": {"gemini": (400, "API_KEY_INVALID"), "anthropic": (401, "authentication_error"), "": (401, "")},
    "429": {"gemini": (429, '"retryDelay":"5s"'), "anthropic": (429, "rate_limit_error"), "": (429, "")},
    "down": {"": (503, "plug")},
    "overloaded": {"anthropic": (529, "overloaded_error"), "openrouter": (502, ""), "": (503, "")},
    "money_gone": {
        "openai": (429, "credit_balance_exhausted"),
        "gemini": (429, "prepayment credits are depleted"),
        "anthropic": (429, "enforced_spend_limit_reached"),
        "": (402, ""),
    },
    "context_too_long": {"": (400, "")},
}


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("mode", _REFUSALS)
async def test_each_refusal_comes_in_the_providers_own_shape(asking: Asking, name: str, mode: str) -> None:
    asking.stand_ins.set_mode(name, mode)
    response = await asking(name)
    own = "openai" if name in PLAIN and name not in _REFUSALS[mode] else name  # a plain stand-in answers like OpenAI's
    status, words = _REFUSALS[mode].get(own, _REFUSALS[mode][""])
    assert response.status_code == status
    assert words in response.text.replace(": ", ":")
    if mode != "429":
        assert "retry-after" not in response.headers
    assert asking.stand_ins.provider(name).last_status == status


async def test_wait_is_named_in_the_providers_own_way(asking: Asking) -> None:
    for name in PROVIDERS:
        asking.stand_ins.set_mode(name, "429")
    assert (await asking("openai")).headers["retry-after-ms"] == "5000"
    for name in ("groq", "mistral", "anthropic"):
        assert (await asking(name)).headers["retry-after"] == "5"
    assert int((await asking("openrouter")).headers["x-ratelimit-reset"]) > 1_700_000_000_000
    assert not {"retry-after", "x-ratelimit-reset"} & set((await asking("deepseek")).headers)


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("stream", [True, False])
async def test_cut_closes_the_socket_in_mid_answer(asking: Asking, name: str, stream: bool) -> None:
    asking.stand_ins.set_mode(name, "cut")
    with pytest.raises(httpx.RemoteProtocolError):
        await asking(name, stream=stream)


async def test_down_breaks_an_answer_that_is_under_way(asking: Asking) -> None:
    asking.stand_ins._word_seconds = 0.05
    _, headers, body = request("deepseek", LONG, stream=True, most=4096)
    url = f"{asking.url}/deepseek/chat/completions"
    async with asking.http.stream("POST", url, headers={**headers, "authorization": "Bearer k"}, json=body) as got:
        words = got.aiter_bytes()
        await anext(words)
        asking.stand_ins.set_mode("deepseek", "down")
        with pytest.raises(httpx.RemoteProtocolError):
            _ = [word async for word in words]
    assert asking.stand_ins.provider("deepseek").streams == 0


@pytest.mark.parametrize("name", PROVIDERS)
async def test_error_within_a_stream_has_the_providers_own_shape(asking: Asking, name: str) -> None:
    asking.stand_ins.set_mode(name, "stream_error")
    text = (await asking(name)).text
    last = text.strip().splitlines()[-1].removeprefix("data: ")
    assert "stand-in" in text
    assert "error" in (json.loads(last).get("x_groq") or json.loads(last))
    assert "[DONE]" not in text


@pytest.mark.parametrize("name", PROVIDERS)
async def test_blocked_is_a_refusal_with_usage(asking: Asking, name: str) -> None:
    asking.stand_ins.set_mode(name, "blocked")
    text = (await asking(name)).text
    assert any(mark in text for mark in ('"content_filter"', '"blockReason":"SAFETY"', '"refusal"'))


@pytest.mark.parametrize("name", PROVIDERS)
async def test_no_usage_and_empty_leave_out_just_that(asking: Asking, name: str) -> None:
    asking.stand_ins.set_mode(name, "no_usage")
    frames = await asking.frames(name)
    assert "stand-in" in said(name, frames)
    assert "prompt" not in json.dumps([f.get("usage") for f in frames if f != "[DONE]"])
    asking.stand_ins.set_mode(name, "empty")
    assert said(name, await asking.frames(name)) == ""


async def test_garbage_is_a_page_with_a_200(asking: Asking) -> None:
    asking.stand_ins.set_mode("openai", "garbage")
    response = await asking("openai")
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")


async def test_slow_keeps_alive_until_the_switch_is_moved(asking: Asking) -> None:
    asking.stand_ins._slow_seconds = 60.0
    comments = {"deepseek": ": keep-alive", "openrouter": ": OPENROUTER PROCESSING", "anthropic": "event: ping"}
    for name, comment in comments.items():
        asking.stand_ins.set_mode(name, "slow")
        answering = asyncio.create_task(asking(name))
        while not asking.stand_ins.provider(name).streams:
            await asyncio.sleep(0.01)
        asking.stand_ins.set_mode(name, "up")
        text = (await answering).text
        assert text.startswith(comment)
        assert "stand-in" in said(name, events(text))


async def test_keepalive_only_sends_no_content(asking: Asking) -> None:
    asking.stand_ins.set_mode("openai", "keepalive_only")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await asking("openai")


async def test_limit_of_requests_per_minute_is_enforced(asking: Asking) -> None:
    asking.stand_ins.set_mode("openai", "limit:2")
    found = asking.stand_ins.provider("openai")
    moment = 100.0
    found.now = lambda: moment
    answers = [await asking("openai") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining-requests"] for answer in answers] == ["1", "0", "0"]
    assert answers[2].headers["retry-after"] == "60"
    moment = 160.5
    assert (await asking("openai")).status_code == 200


async def test_calls_are_counted_and_listeners_get_every_change(asking: Asking) -> None:
    changes: list[tuple[str, str, int]] = []
    asking.stand_ins.subscribe(lambda found: changes.append((found.name, found.mode, found.calls)))
    asking.stand_ins.set_mode("groq", "down")
    await asking("groq")
    assert changes == [("groq", "down", 0), ("groq", "down", 1)]


def test_unknown_mode_is_refused() -> None:
    stand_ins = StandIns()
    for mode in (*MODES, *MORE_MODES, "limit:3"):
        stand_ins.set_mode("openai", mode)
    for mode in ("", "sideways", "limit:", "limit:x"):
        with pytest.raises(ValueError, match="no such mode"):
            stand_ins.set_mode("openai", mode)


async def test_free_probes_report_balance_and_models(asking: Asking) -> None:
    headers = {"authorization": "Bearer k"}
    balance = f"{asking.url}/deepseek/user/balance"
    assert (await asking.http.get(balance, headers=headers)).json()["is_available"] is True
    asking.stand_ins.set_mode("deepseek", "money_gone")
    assert (await asking.http.get(balance, headers=headers)).json()["is_available"] is False
    key = (await asking.http.get(f"{asking.url}/openrouter/key", headers=headers)).json()
    assert key["data"]["limit_remaining"] > 0
    models = (await asking.http.get(f"{asking.url}/gemini/models", headers={"x-goog-api-key": "k"})).json()
    assert models["models"][0]["name"].startswith("models/gemini")


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize(("mode", "status"), [("error_500", 500), ("429_untold", 429), ("moderated", 400)])
async def test_refusals_have_the_providers_own_shape(asking: Asking, name: str, mode: str, status: int) -> None:
    asking.stand_ins.set_mode(name, mode)
    refused = await asking(name)
    assert refused.status_code == status
    assert refused.json()["error"]["message"] if name != "mistral" else refused.json()["message"]
    assert "retry-after" not in refused.headers
    assert "retryDelay" not in refused.text


@pytest.mark.parametrize("name", PROVIDERS)
async def test_rejection_quotes_the_prompt(asking: Asking, name: str) -> None:
    asking.stand_ins.set_mode(name, "rejected")
    refused = await asking(name, "insufficient_quota")
    assert refused.status_code == 400
    assert "'insufficient_quota'" in refused.text


async def test_once_is_for_one_call(asking: Asking) -> None:
    asking.stand_ins.set_mode("openai", "once:429")
    assert [(await asking("openai")).status_code for _ in range(2)] == [429, 200]


async def test_reset_comes_before_any_byte(asking: Asking) -> None:
    asking.stand_ins.set_mode("openai", "once:reset")
    with pytest.raises(httpx.TransportError):
        await asking("openai")
    assert (await asking("openai")).status_code == 200


async def test_mute_one_takes_the_call_and_never_answers(asking: Asking) -> None:
    asking.stand_ins.set_mode("openai", "mute")
    with pytest.raises(httpx.ReadTimeout):
        await asking.http.post(
            f"{asking.url}/openai/chat/completions", headers={"authorization": "Bearer k"}, json={}, timeout=0.3
        )
    assert asking.stand_ins.provider("openai").calls == 1
