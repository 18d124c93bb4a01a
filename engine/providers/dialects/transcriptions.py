"""OpenAI's audio transcriptions: the form that is posted, and the reading of the response.

Whisper reports a recording's length in the format `verbose_json`, which newer models refuse. They are sent no format,
and some report the length in their usage.
"""

import json
from collections.abc import Mapping
from typing import Any

import httpx

from engine.errors import Garbled
from engine.providers import http
from engine.speech import Recording, SpeechText

PATH = "/audio/transcriptions"
MOST_SECONDS = 86_400  # a longer length is an error of the provider
MOST_ANSWER_BYTES = 4_000_000  # enough for twenty times the size of ten minutes in verbose_json


def form(url: str, model: str, recording: Recording) -> tuple[bytes, str]:
    """Return the body of the form, and its content type with the boundary."""
    fields = {"model": model, **({"response_format": "verbose_json"} if "whisper" in model else {})}
    file = (recording.name, recording.data, recording.kind)
    request = httpx.Request("POST", url, data=fields, files={"file": file})
    return request.read(), request.headers["content-type"]


async def transcript(response: httpx.Response) -> SpeechText:
    """Return the text in a response. Raises Garbled for another shape or an endless body."""
    return read(await http.whole_body(response, MOST_ANSWER_BYTES))


def read(body: bytes) -> SpeechText:
    """Return the text and length in a body. Raises Garbled."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Garbled("an answer that is no JSON") from error
    text = data.get("text") if isinstance(data, dict) else None
    if not isinstance(text, str):
        raise Garbled("an answer without a text")
    return SpeechText(text.strip(), _seconds(data))


def _seconds(data: Mapping[str, Any]) -> float | None:
    """Return the recording's length: Whisper's duration, OpenAI's seconds, or Mistral's prompt_audio_seconds."""
    usage = data.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    for seconds in (data.get("duration"), usage.get("seconds"), usage.get("prompt_audio_seconds")):
        if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds <= MOST_SECONDS:
            return float(seconds)
    return None
