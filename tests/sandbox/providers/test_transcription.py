"""Tests of transcription by stand-ins."""

import httpx
import pytest

from tests.sandbox.providers.asking import OPENAI_LIKE, Asking


async def send(
    asking: Asking, name: str = "groq", *, file: str = "a.ogg", key: str = "k", **fields: str
) -> httpx.Response:
    return await asking.http.post(
        f"{asking.url}/{name}/audio/transcriptions",
        headers={"authorization": f"Bearer {key}"} if key else {},
        data={"model": "whisper-1", **fields},
        files={"file": (file, b"s" * 50_000, "audio/ogg")},
    )


@pytest.mark.parametrize("name", OPENAI_LIKE)
async def test_transcript_names_the_stand_in_and_the_length(asking: Asking, name: str) -> None:
    answer = (await send(asking, name, response_format="verbose_json")).json()
    assert answer["duration"] == 12.5
    assert "stand-in" in answer["text"]
    assert asking.stand_ins.provider(name).calls == 1


async def test_newer_models_report_tokens_and_refuse_verbose_json(asking: Asking) -> None:
    answer = (await send(asking, model="gpt-4o-mini-transcribe")).json()
    assert answer["usage"]["type"] == "tokens"
    assert "duration" not in answer
    refused = await send(asking, model="gpt-4o-mini-transcribe", response_format="verbose_json")
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "response_format")


@pytest.mark.parametrize(
    ("wrong", "status"),
    [({"file": "a.oga"}, 400), ({"model": "no-such-ear"}, 404), ({"model": ""}, 400), ({"key": ""}, 401)],
)
async def test_invalid_form_is_refused(asking: Asking, wrong: dict[str, str], status: int) -> None:
    assert (await send(asking, **wrong)).status_code == status


@pytest.mark.parametrize("name", ["gemini", "anthropic"])
async def test_other_dialects_do_not_transcribe(asking: Asking, name: str) -> None:
    assert (await send(asking, name)).status_code == 404


async def test_modes_apply_to_transcription(asking: Asking) -> None:
    asking.stand_ins.set_mode("groq", "429")
    assert (await send(asking)).status_code == 429
    asking.stand_ins.set_mode("groq", "empty")
    assert (await send(asking)).json()["text"] == ""
