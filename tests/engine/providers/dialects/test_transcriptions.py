import json
from email.parser import BytesParser
from typing import Any

import pytest

from engine import errors
from engine.providers.dialects import transcriptions
from engine.providers.dialects.openai import OpenAIDialect
from engine.speech import Recording, SpeechText
from tests.engine.providers.dialects.wires import Wire

RECORDING = Recording(b"\x00OggS\r\n--", "recording.ogg", "audio/ogg")


def listener(wire: Wire) -> OpenAIDialect:
    assert isinstance(wire.provider, OpenAIDialect)
    return wire.provider


async def hears(
    body: bytes | str | list[bytes], *, model: str = "whisper-1", status: int = 200, kind: str = "application/json"
) -> tuple[SpeechText, Wire]:
    wire = Wire("groq", body, status=status, headers={"content-type": kind})
    return await listener(wire).transcribe(model, RECORDING), wire


def posted(wire: Wire) -> dict[str, Any]:
    """Return the form's fields, read by a standard multipart parser."""
    (request,) = wire.sent
    head = f"content-type: {request.headers['content-type']}\r\n\r\n".encode()
    parts = BytesParser().parsebytes(head + request.content).walk()
    return {str(part.get_param("name", header="content-disposition")): part for part in parts}


async def test_file_and_model_are_posted_with_the_key() -> None:
    _, wire = await hears('{"text": "hello"}')
    (request,) = wire.sent
    assert str(request.url) == "http://provider.test/v1/audio/transcriptions"
    assert request.headers["authorization"] == "Bearer k-1"
    fields = posted(wire)
    assert fields["model"].get_payload() == "whisper-1"
    assert (fields["file"].get_filename(), fields["file"].get_content_type()) == ("recording.ogg", "audio/ogg")
    assert RECORDING.data in request.content


@pytest.mark.parametrize(("model", "wanted"), [("whisper-large-v3-turbo", "verbose_json"), ("gpt-4o-transcribe", None)])
async def test_length_is_asked_for_where_the_model_reports_it(model: str, wanted: str | None) -> None:
    _, wire = await hears('{"text": "hello"}', model=model)
    part = posted(wire).get("response_format")
    assert (part.get_payload() if part else None) == wanted


@pytest.mark.parametrize(
    ("answer", "heard"),
    [
        ({"text": " hello \n", "duration": 12.5}, SpeechText("hello", 12.5)),
        ({"text": "hello", "usage": {"type": "duration", "seconds": 13}}, SpeechText("hello", 13.0)),
        ({"text": "hello", "usage": {"prompt_audio_seconds": 4}}, SpeechText("hello", 4.0)),
        ({"text": "hello", "usage": {"type": "tokens", "input_tokens": 14}}, SpeechText("hello")),
        ({"text": "hello", "duration": -1}, SpeechText("hello")),
        ({"text": "hello", "duration": True}, SpeechText("hello")),
        ({"text": "hello", "duration": 1e300}, SpeechText("hello")),
        ({"text": "hello", "duration": 10**400}, SpeechText("hello")),
        ({"text": "hello", "duration": "12", "usage": []}, SpeechText("hello")),
        ({"text": ""}, SpeechText("")),
    ],
)
async def test_transcript_is_read_with_its_length(answer: dict[str, Any], heard: SpeechText) -> None:
    found, _ = await hears(json.dumps(answer))
    assert found == heard


@pytest.mark.parametrize("body", ["", "no json", "[]", '{"text": null}', "[" * 100_000, '{"duration": NaN}'])
async def test_body_of_another_shape_is_garbled(body: str) -> None:
    with pytest.raises(errors.Garbled):
        await hears(body)


def test_length_that_is_no_number_is_none() -> None:
    assert transcriptions.read(b'{"text": "hello", "duration": NaN}') == SpeechText("hello")


async def test_endless_body_is_not_read_to_its_end() -> None:
    with pytest.raises(errors.Garbled, match="without end"):
        await hears([b"x" * 1_000_000] * 5)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, "", errors.KeyRefused),
        (402, "", errors.BalanceGone),
        (404, "", errors.NoSuchModel),
        (413, "", errors.TooBigForNow),
        (400, '{"error": {"message": "Invalid file format."}}', errors.RequestFault),
        (429, "", errors.RateLimited),
        (503, "", errors.Overloaded),
    ],
)
async def test_error_has_the_same_class_as_for_a_prompt(status: int, body: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        await hears(body, status=status)


async def test_html_page_is_garbled() -> None:
    with pytest.raises(errors.Garbled):
        await hears("<html>", kind="text/html")
