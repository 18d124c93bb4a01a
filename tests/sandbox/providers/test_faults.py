"""Tests of rarer faults."""

import httpx
import pytest

from tests.sandbox.providers.dialects import OPENAI_LIKE, PROVIDERS, Asking, said


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize(("mode", "status"), [("error_500", 500), ("429_untold", 429), ("moderated", 400)])
async def test_refusals_have_the_providers_own_shape(asking: Asking, name: str, mode: str, status: int) -> None:
    asking.stand_ins.set_mode(name, mode)
    refused = await asking(name)
    assert refused.status_code == status
    assert refused.json()["error"]["message"] if name != "mistral" else refused.json()["message"]
    assert "retry-after" not in refused.headers
    assert "retryDelay" not in refused.text


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


@pytest.mark.parametrize("name", PROVIDERS)
async def test_stall_ends_in_a_broken_connection(asking: Asking, name: str) -> None:
    asking.stand_ins.set_mode(name, "stall")
    with pytest.raises(httpx.TransportError):
        await asking(name)


@pytest.mark.parametrize("name", OPENAI_LIKE)
async def test_one_broken_event_among_whole_ones(asking: Asking, name: str) -> None:
    asking.stand_ins.set_mode(name, "malformed")
    lines = [line[6:] for line in (await asking(name)).text.splitlines() if line.startswith("data: {")]
    broken = [line for line in lines if not line.endswith("}")]
    assert len(broken) == 1


@pytest.mark.parametrize("name", OPENAI_LIKE)
async def test_without_the_end_marker_all_else_is_there(asking: Asking, name: str) -> None:
    asking.stand_ins.set_mode(name, "no_done")
    frames = await asking.frames(name)
    assert "[DONE]" not in frames
    assert "stand-in for" in said(name, frames)
