from tests.engine.providers.dialects.frames import START, STOP, ended, said
from tests.engine.providers.dialects.wires import Wire


async def test_version_and_key_are_headers() -> None:
    wire = Wire("anthropic", START + said("a") + ended("end_turn") + STOP)
    await wire.chunks()
    assert wire.sent[0].headers["anthropic-version"] == "2023-06-01"
    assert wire.sent[0].headers["x-api-key"] == "k-1"
