"""[transcriber] of farthing.toml: its provider and its rate."""

from fractions import Fraction
from pathlib import Path

import pytest

from engine.gateway.transcription import Transcriber
from engine.money import Money
from main.config_faults import ConfigError
from main.container import open_container
from main.settings import read


async def built(folder: Path, section: str, **variables: str) -> Transcriber | None:
    (folder / "farthing.toml").write_text(section)
    path = {"FARTHING_CONFIG": str(folder / "farthing.toml"), "DATABASE_URL": f"sqlite:///{folder}/farthing.db"}
    async with open_container(read({**path, **variables}, folder / "no.env")) as container:
        return container.transcriber


def section(offer: str = "groq/whisper-large-v3-turbo", more: str = "") -> str:
    return f'[transcriber]\noffer = "{offer}"\nusd_per_minute = "0.000667"\n{more}'


async def test_transcriber_is_off_unless_configured(tmp_path: Path) -> None:
    assert await built(tmp_path, "", GROQ_API_KEY="k") is None


async def test_transcriber_without_a_key_is_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert await built(tmp_path, section()) is None
    assert "groq, which has no key" in caplog.text


async def test_rate_is_exact_with_the_shortest_billed_length(tmp_path: Path) -> None:
    found = await built(tmp_path, section() + '[billing]\nmarkup = "1.25"\n', GROQ_API_KEY="k")
    assert found is not None
    assert (found.rate.per_minute, found.rate.markup, found.rate.least_seconds) == (Money(667_000), Fraction(5, 4), 10)
    assert found.most_seconds == 600


async def test_transcribers_own_markup_and_lengths_override_the_defaults(tmp_path: Path) -> None:
    found = await built(tmp_path, section(more='markup = "2"\nmin_seconds = 0\nmax_seconds = 30'), GROQ_API_KEY="k")
    assert found is not None
    assert (found.rate.markup, found.rate.least_seconds, found.most_seconds) == (Fraction(2), 0, 30)


async def test_transcriber_may_be_a_configured_server(tmp_path: Path) -> None:
    own = '[providers.ear]\nbase_url = "http://127.0.0.1:9/v1"\n'
    found = await built(tmp_path, section("ear/whisper") + own)
    assert found is not None
    assert found.provider.name == "ear"


@pytest.mark.parametrize("offer", ["gemini/gemini-2.5-flash-lite", "anthropic/x", "nobody/whisper", "groq", "groq/"])
async def test_provider_that_cannot_transcribe_stops_the_start(tmp_path: Path, offer: str) -> None:
    with pytest.raises(ConfigError) as raised:
        await built(tmp_path, section(offer), GROQ_API_KEY="k")
    words = str(raised.value)
    assert f'farthing.toml: transcriber.offer: "{offer}": expected "provider/model"' in words
    assert "groq" in words.rpartition("one of")[2]
    assert "gemini" not in words.rpartition("one of")[2]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("usd_per_minute = 0.000667", "expected an exact decimal in quotes"),
        ('offer = "groq/x"', "transcriber.usd_per_minute: field required"),
        ('offer = "groq/x"\nusd_per_minute = "0.1"\nmax_seconds = 0', "transcriber.max_seconds: "),
        ('offer = "groq/x"\nusd_per_minute = "0.1"\nmodel = "x"', "transcriber.model: no such key"),
    ],
)
async def test_wrong_key_or_value_is_named(tmp_path: Path, line: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        await built(tmp_path, f"[transcriber]\n{line}\n")
