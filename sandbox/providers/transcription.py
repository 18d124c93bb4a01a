"""Transcription by a stand-in: a text with the stand-in's name and the length of the recording."""

from dataclasses import dataclass
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request

from sandbox.providers.refusals import Refusal, StandInRefused
from sandbox.providers.stand_in import StandIn

BYTES_PER_SECOND = 4000  # roughly the size of Telegram's voice messages
MOST_BYTES = 25_000_000
_FORMATS = frozenset({"flac", "mp3", "mp4", "mpeg", "mpga", "m4a", "ogg", "wav", "webm"})


@dataclass(frozen=True, slots=True)
class PostedRecording:
    """A posted form. `format`: the response format that it requests."""

    model: str
    name: str
    size: int
    format: str

    @property
    def seconds(self) -> float:
        return max(1.0, self.size / BYTES_PER_SECOND)


async def posted_recording(found: StandIn, request: Request, key: str) -> PostedRecording:
    """Read the form. Raises StandInRefused as strictly as the real providers."""
    if not key:
        raise StandInRefused(found.provider.refusals["no_key"])
    async with request.form(max_part_size=MOST_BYTES) as form:
        file, model, wanted = form.get("file"), form.get("model"), str(form.get("response_format") or "json")
        if not isinstance(file, UploadFile) or not isinstance(model, str) or not model:
            raise StandInRefused(Refusal(400, "you must provide a file and a model parameter"))
        name, size = file.filename or "", len(await file.read())
    if model.startswith("no-such"):
        raise StandInRefused(Refusal(404, f"The model `{model}` does not exist.", code="model_not_found"))
    if name.rpartition(".")[2] not in _FORMATS:
        message = f"Invalid file format. Supported formats: {sorted(_FORMATS)}"
        raise StandInRefused(Refusal(400, message, param="file"))
    if wanted == "verbose_json" and "whisper" not in model:
        message = f"response_format 'verbose_json' is not compatible with model '{model}'."
        raise StandInRefused(Refusal(400, message, code="unsupported_value", param="response_format"))
    return PostedRecording(model, name, size, wanted)


def transcript(found: StandIn, recording: PostedRecording) -> dict[str, Any]:
    """Return the answer's body: with the length in Whisper's verbose format, with tokens in the plain format."""
    sentence = (
        f"I am a recording of {recording.seconds:.0f} seconds, transcribed by a stand-in for {found.provider.title}."
    )
    text = "" if found.mode == "empty" else sentence
    if recording.format == "verbose_json":
        length = {"duration": recording.seconds}
        return {"task": "transcribe", "language": "english", **length, "text": text, "segments": []}
    return {"text": text, "usage": {"type": "tokens", "input_tokens": recording.size // 400, "output_tokens": 20}}
