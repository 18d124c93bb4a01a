import pytest

from tests.engine.providers.dialects.frames import frame
from tests.engine.providers.dialects.wires import Wire, data


async def test_key_is_a_header_not_in_the_url() -> None:
    wire = Wire("gemini", data(frame("a", finish="STOP")))
    await wire.chunks()
    assert wire.sent[0].headers["x-goog-api-key"] == "k-1"
    assert str(wire.sent[0].url).endswith("/models/gemini-2.5-flash-lite:streamGenerateContent?alt=sse")


@pytest.mark.parametrize(
    ("model", "segment"),
    [
        ("gemini-1.5-flash/../gemini-2.5-pro", "gemini-1.5-flash%2F..%2Fgemini-2.5-pro"),
        ("x/../../files?y=", "x%2F..%2F..%2Ffiles%3Fy%3D"),
        ("a#b", "a%23b"),
        ("a%2fb", "a%252fb"),
        ("a:generate", "a%3Agenerate"),
    ],
)
async def test_model_is_one_segment_of_the_path(model: str, segment: str) -> None:
    wire = Wire("gemini", data(frame("a", finish="STOP")), model=model)
    await wire.chunks()
    raw = wire.sent[0].url.raw_path.decode()
    assert raw.endswith(f"/models/{segment}:streamGenerateContent?alt=sse")
