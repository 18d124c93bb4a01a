"""Texts of providers, which may quote a key, an organisation or another tenant, never reach a tenant."""

import json
from pathlib import Path

import pytest

from sandbox.app import Sandbox
from tests.web.conftest import ASKED, RunningApi, serving
from tests.web.own_provider import CONFIG, responding

SECRETS = ("org-AbCdEf123", "sk-proj-FRAGMENT", "req_9f8e7d", "another tenant said")
TEXT = " ".join(SECRETS)
LASTING = CONFIG + "[health]\nfailures_to_open = 100000\n"
WORD = b'data: {"choices":[{"delta":{"content":"word "}}]}\n\n'


def error(code: str) -> bytes:
    found = {"message": TEXT, "type": TEXT, "param": TEXT, "code": code, "metadata": {"raw": TEXT}}
    return json.dumps({"error": found, "user_id": TEXT}).encode()


async def told(api: RunningApi) -> str:
    """Return everything that a tenant gets with a complete answer and a stream: heads, bodies and the usage."""
    found = []
    async with api.http() as http:
        for path in ("/v1/chat/completions", "/v1/messages"):
            for stream in (False, True):
                body = {"model": "auto", "messages": ASKED, "stream": stream, "max_tokens": 100}
                answer = await http.post(path, json=body)
                found.append(f"{answer.status_code} {answer.headers} {answer.text}")
        providers, models = await http.get("/providers"), await http.get("/v1/models")
    return "\n".join((*found, providers.text, models.text))


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422, 429, 500, 529])
async def test_refusal_is_told_without_the_texts_of_the_provider(tmp_path: Path, sandbox: Sandbox, status: int) -> None:
    body = error("sk-proj-FRAGMENT")
    async with (
        responding(f"{status} No", body, x_request_id=TEXT) as url,
        serving(tmp_path, sandbox, LASTING.format(url=url)) as api,
    ):
        seen = await told(api)
    assert [secret for secret in SECRETS if secret in seen] == []


async def test_error_within_a_stream_is_told_without_the_texts_of_the_provider(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    body = WORD + b"data: " + error("org-AbCdEf123") + b"\n\n"
    async with (
        responding("200 OK", body, x_request_id=TEXT) as url,
        serving(tmp_path, sandbox, LASTING.format(url=url)) as api,
    ):
        seen = await told(api)
    assert [secret for secret in SECRETS if secret in seen] == []
    assert "answer_cut" in seen
