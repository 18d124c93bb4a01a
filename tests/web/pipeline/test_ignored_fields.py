"""The request's fields that no provider got: in the body, in the header, and in a replay."""

import json
import re
from typing import Any

import pytest

from tests.web.conftest import RunningApi

ASKED = [{"role": "user", "content": "tell me about the sea at length"}]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("path", "body", "ignored"),
    [
        ("/v1/messages", {"messages": ASKED, "max_tokens": 50, "top_k": 5}, ["top_k"]),
        ("/v1/completions", {"prompt": "tell me", "suffix": "end", "seed": 7}, ["suffix", "seed"]),
        ("/v1/responses", {"input": "tell me", "top_p": 0.5, "temperature": 1.5}, None),
    ],
)
async def test_ignored_fields_are_the_same_in_body_header_and_replay(
    api: RunningApi, path: str, body: dict[str, Any], ignored: list[str] | None, *, stream: bool
) -> None:
    sent = {"model": "anthropic/claude-haiku-4-5", "stream": stream, **body}
    async with api.http() as http:
        for _ in range(2):
            answer = await http.post(path, json=sent, headers={"idempotency-key": f"{path}{stream}"})
            assert answer.status_code == 200, answer.text
            named = re.findall(r'"ignored":\s*(\[[^]]*\])', answer.text)[-1]
            header = answer.headers.get("x-farthing-ignored", "")
            assert json.loads(named) == (header.split(", ") if header else [])
            assert ignored is None or json.loads(named) == ignored
