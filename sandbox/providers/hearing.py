"""A stand-in that puts recordings into writing: it says that it is one, and how long it was asked to listen."""

from dataclasses import dataclass
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request

from sandbox.providers.answers import NAMES
from sandbox.providers.refusals import ROWS, Row, StandInRefused
from sandbox.providers.switches import StandIn

PATH = "/audio/transcriptions"
BYTES_PER_SECOND = 4000  # as Telegram's voice messages are, about
MOST_BYTES = 25_000_000
_FORMATS = frozenset({"flac", "mp3", "mp4", "mpeg", "mpga", "m4a", "ogg", "wav", "webm"})


@dataclass(frozen=True, slots=True)
class Recorded:
    """A form that was posted. `format`: how the answer is asked for."""

    model: str
    name: str
    size: int
    format: str

    @property
    def seconds(self) -> float:
        return max(1.0, self.size / BYTES_PER_SECOND)


async def recorded(found: StandIn, request: Request, key: str) -> Recorded:
    """Raises StandInRefused, as strictly as the real ones."""
    if not key:
        raise StandInRefused(ROWS[found.name]["no_key"])
    async with request.form(max_part_size=MOST_BYTES) as form:
        file, model, wanted = form.get("file"), form.get("model"), str(form.get("response_format") or "json")
        if not isinstance(file, UploadFile) or not isinstance(model, str) or not model:
            raise StandInRefused(Row(400, "you must provide a file and a model parameter"))
        name, size = file.filename or "", len(await file.read())
    if model.startswith("no-such"):
        raise StandInRefused(Row(404, f"The model `{model}` does not exist.", code="model_not_found"))
    if name.rpartition(".")[2] not in _FORMATS:
        raise StandInRefused(Row(400, f"Invalid file format. Supported formats: {sorted(_FORMATS)}", param="file"))
    if wanted == "verbose_json" and "whisper" not in model:
        message = f"response_format 'verbose_json' is not compatible with model '{model}'."
        raise StandInRefused(Row(400, message, code="unsupported_value", param="response_format"))
    return Recorded(model, name, size, wanted)


def written(found: StandIn, asked: Recorded) -> dict[str, Any]:
    """Whisper's verbose answer tells the length; the plain one of newer models tells tokens."""
    said = f"I am a recording of {asked.seconds:.0f} seconds, put into writing by a stand-in for {NAMES[found.name]}."
    text = "" if found.mode == "empty" else said
    if asked.format == "verbose_json":
        return {"task": "transcribe", "language": "english", "duration": asked.seconds, "text": text, "segments": []}
    return {"text": text, "usage": {"type": "tokens", "input_tokens": asked.size // 400, "output_tokens": 20}}
