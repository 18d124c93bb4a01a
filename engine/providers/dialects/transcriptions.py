"""OpenAI's audio transcriptions: the form that is posted, and the answer read.

Whisper tells a recording's length when asked for `verbose_json`, which newer models refuse: they get no format, and
some say the length in their usage.
"""

import json
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

import httpx

from engine.errors import Garbled
from engine.providers import http
from engine.speech import Recording, SpeechText

PATH = "/audio/transcriptions"
MOST_SECONDS = 86_400  # what is said to be longer is a mistake
MOST_ANSWER_BYTES = 4_000_000  # ten minutes in verbose_json take a twentieth of it


def form(url: str, model: str, recording: Recording) -> tuple[bytes, str]:
    """The body, and its content type with the boundary."""
    fields = {"model": model, **({"response_format": "verbose_json"} if "whisper" in model else {})}
    file = (recording.name, recording.data, recording.kind)
    request = httpx.Request("POST", url, data=fields, files={"file": file})
    return request.read(), request.headers["content-type"]


async def answered(response: httpx.Response) -> SpeechText:
    """Raises Garbled for what is not the dialect, or has no end."""
    body = bytearray()
    async with aclosing(http.pieces(response)) as pieces:
        async for piece in pieces:
            body += piece
            if len(body) > MOST_ANSWER_BYTES:
                raise Garbled("an answer without end", status=response.status_code)
    return read(bytes(body))


def read(body: bytes) -> SpeechText:
    """Raises Garbled."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Garbled("an answer that is no JSON") from error
    text = data.get("text") if isinstance(data, dict) else None
    if not isinstance(text, str):
        raise Garbled("an answer without a text")
    return SpeechText(text.strip(), _seconds(data))


def _seconds(data: Mapping[str, Any]) -> float | None:
    """Whisper's duration, OpenAI's usage in seconds, Mistral's prompt_audio_seconds."""
    usage = data.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    for told in (data.get("duration"), usage.get("seconds"), usage.get("prompt_audio_seconds")):
        if isinstance(told, int | float) and not isinstance(told, bool) and 0 <= told <= MOST_SECONDS:
            return float(told)
    return None
